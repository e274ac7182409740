using System.Diagnostics;
using Kuguru.Linux;

namespace Kuguru.Cli.Namespaces;

/// <summary>
/// A machine of a <see cref="Network"/>: it forwards packets, has its own /run, and what is written to its /etc stays its own;
/// all of that, and everything that runs in it, ends with it. Paths given to <see cref="Write"/> and
/// <see cref="Read"/> are the host's.
/// </summary>
public sealed class Host : IDisposable
{
    static readonly Dictionary<string, string> Environment = new()
    {
        ["PATH"] = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        ["LC_ALL"] = "C.UTF-8",
        ["TMPDIR"] = "/run/tmp",
        ["STRONGSWAN_CONF"] = "/run/strongswan.conf",
        ["SWANCTL_DIR"] = "/run/swanctl",
    };

    // Pid 1 of the host. /proc is still the caller's when it reads its own number there.
    const string Setup = """
        set -e
        read -r pid rest </proc/self/stat
        mount -t proc proc /proc
        mount -t sysfs sysfs /sys
        mount -t tmpfs -o mode=755 tmpfs /run
        mkdir /run/lock /run/swanctl /run/etc /run/work
        mkdir -m 1777 /run/tmp
        mount -t overlay -o lowerdir=/etc,upperdir=/run/etc,workdir=/run/work overlay /etc
        hostname "$0"
        for name in all default; do echo 0 >/proc/sys/net/ipv4/conf/$name/rp_filter; done
        echo 1 >/proc/sys/net/ipv4/ip_forward
        echo 1 >/proc/sys/net/ipv6/conf/all/forwarding
        echo 0 >/proc/sys/net/ipv6/conf/all/accept_dad
        echo 0 >/proc/sys/net/ipv6/conf/default/accept_dad
        ip link set lo up
        echo "$pid"
        exec >/dev/null 2>&1
        if read -r word; then exec sleep infinity; fi
        """;

    readonly Process _holder;

    internal Host(Network network, string name)
    {
        (Network, Name) = (network, name);
        string[] holder = ["unshare", "--net", "--mount", "--uts", "--ipc", "--pid", "--fork", "--kill-child", "bash", "-c", Setup, name];
        var start = new ProcessStartInfo("setsid", holder)
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        foreach (var (key, value) in Environment)
            start.Environment[key] = value;
        _holder = Process.Start(start)!;
        var pid = _holder.StandardOutput.ReadLine();
        if (pid is null)
        {
            _holder.WaitForExit();
            throw new CommandFailedException(new("unshare", _holder.ExitCode, "", _holder.StandardError.ReadToEnd()));
        }
        Pid = int.Parse(pid);
    }

    public Network Network { get; }
    public string Name { get; }

    /// <summary>The process that holds the host's namespaces, as this machine numbers it.</summary>
    public int Pid { get; }

    /// <summary>Plugs a device of this host into a LAN; addresses are written with their prefix lengths.</summary>
    public void Join(Lan lan, string device, params string[] addresses)
    {
        lan.Connect(this, device);
        Ip([.. addresses.Select(address => $"addr add {address} dev {device}{(address.Contains(':') ? " nodad" : "")}"), $"link set {device} up"]);
    }

    /// <summary>The default route, of the address's family.</summary>
    public void Gateway(string address) => Ip($"route add default via {address}");

    /// <summary>Lines for <c>ip -batch</c>; the first that fails throws.</summary>
    public void Ip(params string[] lines) => Outcome.Of(["nsenter", "-t", $"{Pid}", "-n", "ip", "-batch", "-"], string.Join('\n', lines)).Text();

    /// <summary>Runs a command here, 30 s at most.</summary>
    /// <exception cref="CommandFailedException">It did not end with status 0.</exception>
    public string Run(params string[] command) => Try(command).Text();

    /// <summary>Runs a command here that may fail; it is ended after <paramref name="limit"/> (30 s if not given).</summary>
    public Outcome Try(IReadOnlyList<string> command, TimeSpan? limit = null, string input = "")
    {
        var outcome = Outcome.Of([.. Enter, "timeout", "-k", "1", Seconds(limit ?? TimeSpan.FromSeconds(30)), .. command], input, Environment);
        return outcome with { Command = $"{Name}# {string.Join(' ', command)}" };
    }

    /// <summary>Starts a command in the background; its output goes to <c>NAME.log</c> in the network's folder.</summary>
    public Job Start(string name, params string[] command) => new(this, name, [.. Enter], command, Environment);

    /// <summary>Calls a function on a thread that is in this host's network: sockets that it makes stay there.</summary>
    public T Inside<T>(Func<T> function) => NetworkNamespace.Run(Pid, function);

    /// <summary>Where this machine sees a file of the host.</summary>
    public string Outside(string path) => $"/proc/{Pid}/root{path}";

    public void Write(string path, string text)
    {
        Directory.CreateDirectory(System.IO.Path.GetDirectoryName(Outside(path))!);
        File.WriteAllText(Outside(path), text);
    }

    public string Read(string path) => File.ReadAllText(Outside(path));

    IEnumerable<string> Enter => ["nsenter", "-t", $"{Pid}", "-n", "-m", "-u", "-i", "-p", "--"];

    static string Seconds(TimeSpan span) => FormattableString.Invariant($"{span.TotalSeconds:0.###}");

    internal void Keep() => _holder.StandardInput.WriteLine("keep");

    public void Dispose()
    {
        if (!_holder.HasExited)
            _holder.StandardInput.Close();
        _holder.WaitForExit();
        _holder.Dispose();
    }
}
