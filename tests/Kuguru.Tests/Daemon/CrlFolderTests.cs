using Kuguru.Daemon;
using Kuguru.Ike;
using Microsoft.Extensions.Logging;
using Xunit;

namespace Kuguru.Tests.Daemon;

public sealed class CrlFolderTests : IDisposable
{
    readonly string _folder = Directory.CreateTempSubdirectory("kuguru-crls-").FullName;
    readonly Lines _log = new();

    string Place => System.IO.Path.Combine(_folder, "x509crl");

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    void Keep(string place, params (string Name, byte[] Der)[] crls)
    {
        // What is still to be written is written before it goes.
        using var folder = new CrlFolder(place, _log);
        foreach (var (name, der) in crls)
            folder.Keep(new Effect.KeepCrl(name, der));
    }

    [Fact]
    public void The_last_of_a_name_is_kept_for_everybody_to_read_and_nothing_else_is_left_there()
    {
        Keep(Place, ("ab.crl", [1, 2, 3]), ("ab_delta.crl", [4]), ("ab.crl", [5, 6]));
        Assert.Equal(["ab.crl", "ab_delta.crl"], Directory.EnumerateFileSystemEntries(Place).Select(System.IO.Path.GetFileName).Order(StringComparer.Ordinal));
        var file = System.IO.Path.Combine(Place, "ab.crl");
        Assert.Equal([5, 6], File.ReadAllBytes(file));
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead | UnixFileMode.OtherRead, File.GetUnixFileMode(file));
        Assert.Equal([$"written crl file '{file}' (3 bytes)", $"written crl file '{System.IO.Path.Combine(Place, "ab_delta.crl")}' (1 bytes)", $"written crl file '{file}' (2 bytes)"], _log.All);
    }

    [Fact]
    public void A_place_that_cannot_be_written_to_is_told_in_one_line()
    {
        File.WriteAllText(Place, "a file where the folder should be");
        Keep(Place, ("ab.crl", [1]));
        Assert.StartsWith($"writing crl file '{System.IO.Path.Combine(Place, "ab.crl")}' failed, it will be fetched again after a restart (cache_crls): ", Assert.Single(_log.All), StringComparison.Ordinal);
    }

    sealed class Lines : ILogger
    {
        public List<string> All { get; } = [];
        public IDisposable? BeginScope<TState>(TState state) where TState : notnull => null;
        public bool IsEnabled(LogLevel logLevel) => true;
        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) => All.Add(formatter(state, exception));
    }
}
