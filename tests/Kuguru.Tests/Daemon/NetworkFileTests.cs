using Kuguru.Daemon;
using Kuguru.Nat;
using Xunit;

namespace Kuguru.Tests.Daemon;

public sealed class NetworkFileTests : IDisposable
{
    readonly string _folder = Directory.CreateTempSubdirectory("kuguru-networks-").FullName;

    string Place => System.IO.Path.Combine(_folder, "state");
    string Written => System.IO.Path.Combine(Place, "networks");

    static readonly MappingLife Settled = new(TimeSpan.FromSeconds(50), TimeSpan.FromSeconds(75)), Long = new(TimeSpan.FromSeconds(330));

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void What_was_learned_is_read_again_and_only_its_owner_reads_it()
    {
        var file = new NetworkFile(Place);
        Assert.Empty(file.Networks);
        file.Learn("192.168.1.1 52:54:00:12:34:56", default(MappingLife).Held(TimeSpan.FromSeconds(25)));
        file.Learn("10.0.0.1 52:54:00:ab:cd:ef", Long);
        file.Learn("192.168.1.1 52:54:00:12:34:56", Settled);
        KnownNetwork[] expected = [new("10.0.0.1 52:54:00:ab:cd:ef", Long), new("192.168.1.1 52:54:00:12:34:56", Settled)];
        Assert.Equal(expected, file.Networks);
        Assert.Equal(expected, new NetworkFile(Place).Networks);
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(Written));
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute, File.GetUnixFileMode(Place));
        Assert.Equal([Written], Directory.GetFiles(Place));
    }

    [Fact]
    public void What_is_forgotten_is_gone_and_of_many_the_latest_are_kept()
    {
        var file = new NetworkFile(Place);
        for (var i = 0; i < 70; i++)
            file.Learn($"network {i}", Long);
        file.Learn("network 69", default);
        Assert.Equal(Enumerable.Range(6, 63).Select(i => $"network {i}"), new NetworkFile(Place).Networks.Select(known => known.Name));
    }

    [Fact]
    public void Lines_that_make_no_sense_are_left_out()
    {
        Directory.CreateDirectory(Place);
        File.WriteAllText(Written, "\n50\n50 75\n50 75 \n-1 75 a\n50 x b\n99999999 - c\n0x10 - d\n50 75 kept 1\n330 - kept 2\n\0\0\0");
        Assert.Equal([new("kept 1", Settled), new("kept 2", Long)], new NetworkFile(Place).Networks);
    }
}
