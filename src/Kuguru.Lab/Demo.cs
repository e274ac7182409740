using Kuguru.Ike;

namespace Kuguru.Lab;

/// <summary>
/// The demonstration without root: the story of <c>kuguru demo</c> told on the simulated network, with the same node and packet path that the daemon
/// runs. Only the sockets, the clock and the NAT are simulated.
/// </summary>
public sealed class Demo
{
    const int ClientCount = 2;
    static readonly TimeSpan s_keepAlive = TimeSpan.FromSeconds(2), s_expiry = TimeSpan.FromSeconds(4), s_idle = TimeSpan.FromSeconds(6);

    readonly TextWriter _output;
    readonly Scene _scene;
    readonly List<(Peer Client, string Ping, string AfterIdle)> _results = [];

    Demo(TextWriter output, ulong seed)
    {
        _output = output;
        var settings = new IkeSettings { KeepAlive = Nat.KeepAlivePolicy.Every(s_keepAlive) };
        _scene = new(Sites.Public, new() { Seed = seed, ClientSettings = settings, GatewaySettings = settings });
        _scene.World.Internet.Link = new() { Latency = TimeSpan.FromMilliseconds(10) };
        var home = Sites.With(new() { Mapping = Dependence.AddressAndPortDependent, Ports = PortAssignment.Random, MappingTimeout = s_expiry })(_scene.World.Internet, "NAT");
        for (var number = 1; number <= ClientCount; number++)
            _scene.AddClient(home, $"client{number}");
    }

    /// <summary>Tells the whole story. False when something did not work; the last line then says what.</summary>
    public static bool Play(TextWriter output, ulong seed = 1)
    {
        var demo = new Demo(output, seed);
        demo.Title("A simulated network with virtual time (as root, the same runs on this machine's own kernel)");
        demo.Picture();
        return demo.Up() && demo.Traffic() && demo.AfterIdle() && demo.Summary();
    }

    bool Up()
    {
        Title("The tunnels come up");
        foreach (var client in _scene.Clients)
        {
            var attempt = client.Up(Scene.ChildName);
            if (!_scene.World.RunUntil(() => attempt.IsDone, TimeSpan.FromMinutes(3)) || !attempt.Succeeded)
                return Fail($"{client.Name}: {attempt}");
            Show(client);
        }
        Title("The NAT's table");
        foreach (var line in _scene.ClientSite.Nat.Print().TrimEnd().Split('\n'))
            _output.WriteLine($"  {line}");
        return true;
    }

    void Show(Peer client)
    {
        var here = client.Sa;
        var there = _scene.Gateway.Status().Single(sa => sa.InitiatorSpi == here.InitiatorSpi);
        var child = here.Children[0];
        Say(client.Name, $"established {here.Path} with {here.Suite}");
        Say(client.Name, $"NAT: {here.Nat}; IKE moved from port {client.Node.Settings.Port} to {here.Path.Local.Port}, ESP goes {(child.UdpEncapsulated ? "in UDP" : "plain")}");
        Say(client.Name, $"got the address {client.VirtualAddresses.Single()}, reaches {string.Join(' ', child.RemoteSelectors)}");
        Say(_scene.Gateway.Name, $"sees {there.RemoteId} at {there.Path.Remote}, NAT: {there.Nat}");
    }

    bool Traffic()
    {
        Title("Traffic through the tunnels");
        foreach (var client in _scene.Clients)
        {
            if (RoundTrip(client, _scene.Server.Address) is not { } there)
                return Fail($"{client.Name} does not reach {_scene.Server.Address}");
            Say(client.Name, $"ping {_scene.Server.Address}: {there}");
            if (RoundTrip(_scene.Server, client.VirtualAddresses.Single()) is not { } back)
                return Fail($"{_scene.Server.Name} does not reach {client.Name}");
            Say(_scene.Server.Name, $"ping {client.VirtualAddresses.Single()}: {back}");
            _results.Add((client, there, ""));
        }
        return true;
    }

    bool AfterIdle()
    {
        Title($"Nobody talks for {s_idle.TotalSeconds} s; the NAT forgets after {s_expiry.TotalSeconds} s");
        _scene.RunFor(s_idle);
        for (var i = 0; i < _results.Count; i++)
        {
            var client = _results[i].Client;
            if (RoundTrip(_scene.Server, client.VirtualAddresses.Single()) is not { } time)
                return Fail($"{_scene.Server.Name} does not reach {client.Name} any more");
            Say(_scene.Server.Name, $"still reaches {client.Name} at {client.VirtualAddresses.Single()}: {time}; keepalives held the mapping");
            _results[i] = _results[i] with { AfterIdle = time };
        }
        return true;
    }

    bool Summary()
    {
        Title("In short");
        _output.WriteLine($"  {"client",-9}{"inside",-12}{"seen by the gateway",-24}{"ping",-10}server's ping after idle");
        foreach (var (client, ping, afterIdle) in _results)
        {
            var seen = _scene.Gateway.Status().Single(sa => sa.InitiatorSpi == client.Sa.InitiatorSpi).Path.Remote;
            _output.WriteLine($"  {client.Name,-9}{client.VirtualAddresses.Single(),-12}{seen,-24}{ping,-10}{afterIdle}");
        }
        _output.WriteLine("\nAll of it worked.");
        return true;
    }

    void Picture() => _output.WriteLine($"""

          client1 ──┐
        {"192.168.1",11} ├── NAT ── {_scene.ClientSite.Nat.Address} ──── {_scene.GatewayAddress} ── gateway (kuguru) ── 10.1.0.0/16 ── server {_scene.Server.Address}
          client2 ──┘   rewrites source ports
        """);

    string? RoundTrip(Host from, IpAddress to)
    {
        var ping = from.Ping(to);
        return _scene.World.RunUntil(() => ping.IsAnswered, TimeSpan.FromSeconds(3)) ? FormattableString.Invariant($"{ping.RoundTrip!.Value.TotalMilliseconds:0.0} ms") : null;
    }

    bool Fail(string what)
    {
        _output.WriteLine(what);
        return false;
    }

    void Title(string text) => _output.WriteLine($"\n{text}");

    void Say(string who, string what) => _output.WriteLine($"  {who,-8} {what}");
}
