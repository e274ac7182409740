using Kuguru.Ike;
using Kuguru.Lab;

namespace Kuguru.Stories;

/// <summary>Handshakes in bad weather: whatever is lost, doubled or reordered, the two ends agree in the end.</summary>
public sealed class StormStories
{
    const int Clients = 1000;

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    [InlineData(5)]
    [InlineData(6)]
    [InlineData(7)]
    [InlineData(8)]
    [InlineData(9)]
    [InlineData(10)]
    public void A_thousand_handshakes_in_a_storm_end_up_established_at_both_ends_with_the_same_keys_or_down_at_both_ends(ulong seed)
    {
        var scene = new Scene(Sites.Public, new()
        {
            Seed = seed,
            Client = Lively,
            Gateway = Lively,
            GatewaySettings = new() { BlockThreshold = 0 },
        });
        scene.World.Transcript.Limit = 200;
        for (var i = 0; i < Clients; i++)
            scene.AddClient(i % 2 == 0 ? Sites.Public(scene.World.Internet, "internet") : Sites.Easy(scene.World.Internet, $"home {i}"));
        scene.World.Internet.Link = Link.Stormy;
        for (var i = 0; i < Clients; i++)
            scene.World.After(TimeSpan.FromMilliseconds(10 * i), scene.UpNext);
        scene.RunFor(TimeSpan.FromMinutes(5));
        Assert.All(scene.Attempts, a => Assert.True(a.IsDone));

        // Calm again, and time for whoever is alone to find out (liveness, then all retransmissions).
        scene.World.Internet.Link = Link.Perfect with { Latency = TimeSpan.FromMilliseconds(50) };
        scene.RunFor(TimeSpan.FromMinutes(5));
        var up = scene.Clients.Count(c => c.Status().Any());
        var disagreement = Ends.Disagreement(scene.Clients, scene.Gateway);
        Assert.True(disagreement is null, $"seed {seed}: {disagreement}");
        Assert.True(up > Clients * 0.95, $"seed {seed}: only {up} of {Clients} are up");
        Assert.True(scene.World.Count(Fate.Lost) > Clients && scene.World.Count(Fate.Duplicated) > Clients && scene.World.Count(Fate.Late) > Clients);
        foreach (var client in scene.Clients.Where(c => c.Status().Any()).Take(5))
            Assert.True(scene.PingsBothWays(client), $"seed {seed}: {client} cannot ping");
    }

    static Connection Lively(Connection c) =>
        c with { DpdDelay = TimeSpan.FromSeconds(60), RekeyTime = TimeSpan.Zero, Children = [c.Children[0] with { RekeyTime = TimeSpan.Zero }] };
}
