using System.Diagnostics;

namespace Kuguru.Cli.Namespaces;

/// <summary>A command that runs in a host's background, out of reach of the terminal's Ctrl-C; its output is <see cref="Log"/>.</summary>
public sealed class Job : IDisposable
{
    static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    readonly Process _process;
    readonly string _file;
    readonly string _pid;

    internal Job(Host host, string name, IReadOnlyList<string> enter, IReadOnlyList<string> command, IReadOnlyDictionary<string, string> environment)
    {
        (Host, Name) = (host, name);
        _file = System.IO.Path.Combine(host.Network.Folder, $"{host.Name}-{name}.log");
        _pid = $"/run/{name}.pid";
        File.WriteAllText(_file, "");
        // The outer shell's redirection holds for all that follows: whoever started this program gets its output to itself.
        string[] inside = [.. enter, "bash", "-c", "echo $$ >$0; exec \"$@\"", _pid, .. command];
        var info = new ProcessStartInfo("setsid", ["bash", "-c", "exec \"$@\" </dev/null >>$0 2>&1", _file, .. inside]);
        foreach (var (key, value) in environment)
            info.Environment[key] = value;
        _process = Process.Start(info)!;
        Wait.Until($"{name} starts on {host.Name}", Patience, () => File.Exists(host.Outside(_pid)) && host.Read(_pid).EndsWith('\n'));
    }

    public Host Host { get; }
    public string Name { get; }
    public bool HasEnded => _process.HasExited;

    /// <summary>The exit status of a job that has ended.</summary>
    public int Status => _process.ExitCode;

    /// <summary>The process as its host numbers it.</summary>
    public int Pid => int.Parse(Host.Read(_pid));

    public string Log => File.ReadAllText(_file);

    public void Signal(string name) => Host.Run("kill", $"-{name}", $"{Pid}");

    /// <summary>No instruction of it is executed until <see cref="Resume"/>.</summary>
    public void Pause() => Signal("STOP");

    /// <summary>The nsenter that started it has stopped along with it, and would not notice its end.</summary>
    public void Resume()
    {
        Outcome.Of(["kill", "-CONT", $"{_process.Id}"]).Text();
        Signal("CONT");
    }

    /// <summary>Asks the job to end, and makes it end when it does not; returns its exit status, or null when it had to be killed.</summary>
    public int? Stop(string signal = "TERM")
    {
        var obeyed = true;
        if (!HasEnded)
        {
            Signal(signal);
            obeyed = _process.WaitForExit(Patience);
            if (!obeyed)
            {
                Signal("KILL");
                _process.WaitForExit();
            }
        }
        return obeyed ? Status : null;
    }

    public void Dispose()
    {
        Stop();
        _process.Dispose();
    }
}
