namespace Kuguru.Cli.Namespaces;

// A network of this machine's own kernel, for the demo and for the tests against real peers:
//
//     using var network = new Network();
//     var home = network.Lan("home");                        a bridge in the hub's namespace
//     var client = network.Host("client");                   net, mount, pid, ipc and uts namespaces of its own
//     client.Join(home, "eth0", "10.1.0.10/24");             a veth pair from the host to the bridge
//     var nat = new Napt(network.Host("nat"), "wan");         nftables: source ports rewritten
//     client.Run("ping", "-c1", "10.1.0.1");
//
// No namespace has a name and nothing is made in the caller's namespaces, so any number of networks exist side by side.
// A host lives as long as its holder, pid 1 of its pid namespace, which ends when this process closes a pipe or dies:
// the kernel then ends everything inside, so nothing survives a crash either.

/// <summary>Hosts and LANs made of Linux namespaces; needs root and util-linux, iproute2. Disposing ends all that runs in them.</summary>
public sealed class Network : IDisposable
{
    readonly List<Host> _hosts = [];
    readonly Host _hub;

    public Network()
    {
        Folder = Directory.CreateTempSubdirectory("kuguru-net-").FullName;
        _hub = Host("hub");
    }

    /// <summary>Files of this network outside of its hosts: captures, logs that outlive a host.</summary>
    public string Folder { get; }

    /// <summary>It stays when this process ends.</summary>
    public bool IsKept { get; private set; }

    public IReadOnlyList<Host> Hosts => _hosts;

    public Host Host(string name)
    {
        var host = new Host(this, name);
        _hosts.Add(host);
        return host;
    }

    public Lan Lan(string name) => new(_hub, name);

    /// <summary>Leaves everything running when this process ends; says how to enter a host and how to end it all.</summary>
    public string Keep()
    {
        IsKept = true;
        foreach (var host in _hosts)
            host.Keep();
        var enter = _hosts.Skip(1).Select(host => $"  {host.Name,-10} sudo nsenter -t {host.Pid} -n -m -u -i -p");
        return $"{string.Join('\n', enter)}\nend it: sudo kill -KILL {string.Join(' ', _hosts.Select(host => host.Pid))}; rm -r {Folder}";
    }

    public void Dispose()
    {
        if (IsKept || !Directory.Exists(Folder))
            return;
        foreach (var host in _hosts)
            host.Dispose();
        Directory.Delete(Folder, recursive: true);
    }
}

/// <summary>One link-layer network: a bridge that joins hosts and has no address itself.</summary>
public sealed class Lan
{
    readonly Host _hub;
    int _ports;

    internal Lan(Host hub, string name)
    {
        (_hub, Name) = (hub, name);
        hub.Ip($"link add {name} type bridge", $"link set {name} up");
    }

    public string Name { get; }

    /// <summary>A cable from a port of the bridge to a device of the host.</summary>
    internal void Connect(Host host, string device)
    {
        var port = $"{Name}{++_ports}";
        _hub.Ip($"link add {port} type veth peer name {device} netns {host.Pid}", $"link set {port} master {Name} up");
    }
}
