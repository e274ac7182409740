namespace Kuguru.Cli.Namespaces;

/// <summary>In front of whom a NAT stands.</summary>
public enum NatsAt { Nobody, Clients, Both }

// The topology of the demo and of most interop stories. Clients 10.1.0.10, .11, ... (fd01::a, ::b, ...)
//
//   client ──┐ home                  wan 192.0.2.0/24, 2001:db8::/64                office
//            ├──────── [nat] .1 ─────────┬──────── .2 [gateway] 10.2.0.1 ──────────── server 10.2.0.10, fd02::10
//   client ──┘ 10.1.0.1                  └ or: .3 [far nat] 172.16.0.1 ── 172.16.0.2 [gateway]

/// <summary>Clients, as a rule behind one NAPT, a gateway that may be behind another, and a server in the network behind the gateway.</summary>
public sealed class RoadWarriors : IDisposable
{
    public const string Server4 = "10.2.0.10", Server6 = "fd02::10";

    public RoadWarriors(int clients = 1, NatsAt nats = NatsAt.Clients, bool ip6 = false)
    {
        Network = new();
        try
        {
            Wan = Network.Lan("wan");
            var home = nats == NatsAt.Nobody ? Wan : Network.Lan("home");
            Clients = [.. Enumerable.Range(10, clients).Select(number => Client(number, home, nats != NatsAt.Nobody))];
            Nat = nats == NatsAt.Nobody ? null : Router("nat", home, Wan);
            Gateway = Network.Host("gateway");
            FarNat = nats == NatsAt.Both ? Dmz(Wan) : null;
            if (FarNat is null)
                Gateway.Join(Wan, "eth0", "192.0.2.2/24", "2001:db8::2/64");
            GatewayAddress = (FarNat is null, ip6) switch
            {
                (true, false) => "192.0.2.2",
                (true, true) => "2001:db8::2",
                (false, false) => "192.0.2.3",
                (false, true) => "2001:db8::3",
            };
            Server = Office();
        }
        catch
        {
            Network.Dispose();
            throw;
        }
    }

    public Network Network { get; }

    /// <summary>The outside, for who wants one more foot in it.</summary>
    public Lan Wan { get; }
    public IReadOnlyList<Host> Clients { get; }

    /// <summary>The NAT in front of the clients, on the host <c>nat</c>.</summary>
    public Napt? Nat { get; }
    public Napt? FarNat { get; }
    public Host Gateway { get; }
    public Host Server { get; }

    /// <summary>Where the clients find the gateway.</summary>
    public string GatewayAddress { get; }

    public void Dispose() => Network.Dispose();

    Host Client(int number, Lan lan, bool isBehindNat)
    {
        var client = Network.Host($"client{number - 9}");
        if (isBehindNat)
        {
            client.Join(lan, "eth0", $"10.1.0.{number}/24", $"fd01::{number:x}/64");
            client.Gateway("10.1.0.1");
            client.Gateway("fd01::1");
        }
        else
        {
            client.Join(lan, "eth0", $"192.0.2.{number}/24", $"2001:db8::{number:x}/64");
        }
        return client;
    }

    Napt Router(string name, Lan inside, Lan outside)
    {
        var router = Network.Host(name);
        router.Join(inside, "inside", "10.1.0.1/24", "fd01::1/64");
        router.Join(outside, "outside", "192.0.2.1/24", "2001:db8::1/64");
        return new(router, "outside");
    }

    Napt Dmz(Lan wan)
    {
        var dmz = Network.Lan("dmz");
        var router = Network.Host("farnat");
        router.Join(dmz, "inside", "172.16.0.1/24", "fd10::1/64");
        router.Join(wan, "outside", "192.0.2.3/24", "2001:db8::3/64");
        Gateway.Join(dmz, "eth0", "172.16.0.2/24", "fd10::2/64");
        Gateway.Gateway("172.16.0.1");
        Gateway.Gateway("fd10::1");
        var nat = new Napt(router, "outside", 30000, 39999);
        foreach (var port in new[] { 500, 4500 })
        {
            nat.Forward(port, "172.16.0.2");
            nat.Forward(port, "fd10::2");
        }
        return nat;
    }

    Host Office()
    {
        var office = Network.Lan("office");
        Gateway.Join(office, "eth1", "10.2.0.1/24", "fd02::1/64");
        var server = Network.Host("server");
        server.Join(office, "eth0", $"{Server4}/24", $"{Server6}/64");
        server.Gateway("10.2.0.1");
        server.Gateway("fd02::1");
        return server;
    }
}
