using Kuguru.Ike;
using Kuguru.Nat;

namespace Kuguru.Tests.Ike;

/// <summary>Moon and sun, who know each other: what most stories begin with.</summary>
sealed class Pair
{
    public World World { get; } = new();

    /// <summary>Initiator in most stories.</summary>
    public Host Moon { get; }

    public Host Sun { get; }

    public Pair(Func<Connection, Connection>? moon = null, Func<Connection, Connection>? sun = null, Napt? nat = null, Napt? sunNat = null, int seed = 1)
    {
        Moon = World.Add(nat is null ? "192.0.2.1" : "10.1.0.10", seed);
        Sun = World.Add(sunNat is null ? "192.0.2.2" : "10.2.0.10", seed);
        (Moon.Nat, Sun.Nat) = (nat, sunNat);
        sunNat?.Forward(new(Sun.Address, Ports.Ike), Ports.Ike);
        sunNat?.Forward(new(Sun.Address, Ports.NatTraversal), Ports.NatTraversal);
        Moon.Connections.Add(Change(moon, Configs.Connection("moon.example.org", "sun.example.org", Configs.Child("net", "10.1.0.0/16", "10.2.0.0/16"))));
        Sun.Connections.Add(Change(sun, Configs.Connection("sun.example.org", "moon.example.org", Configs.Child("net", "10.2.0.0/16", "10.1.0.0/16"))));
        Moon.Keys.Add(Configs.Key("secret", "sun.example.org"));
        Sun.Keys.Add(Configs.Key("secret", "moon.example.org"));
    }

    /// <summary>The same on both sides.</summary>
    public static Pair Both(Func<Connection, Connection> change, Napt? nat = null) => new(change, change, nat);

    /// <summary>Brings the tunnel up, and forgets how.</summary>
    public Pair Up()
    {
        Moon.Up(Sun);
        World.Run(2);
        World.Forget();
        return this;
    }

    static Connection Change(Func<Connection, Connection>? change, Connection connection) => change is null ? connection : change(connection);
}
