using Kuguru.Lab;

namespace Kuguru.Stories;

/// <summary>A thousand handshakes, half of them behind NATs of their own, while packets are lost, doubled and late.</summary>
static class Storm
{
    const int Clients = 1000;

    /// <summary>
    /// After the storm everybody who asked has an answer; after the calm, in which who is alone finds out by liveness checks, the ends agree and
    /// <paramref name="atLeast"/> of the clients, as a fraction, are up.
    /// </summary>
    public static void Pass(Scene scene, TimeSpan storm, TimeSpan calm, double atLeast)
    {
        var world = scene.World;
        world.Transcript.Limit = 200;
        for (var i = 0; i < Clients; i++)
            scene.AddClient(i % 2 == 0 ? Sites.Public(world.Internet, "internet") : Sites.Easy(world.Internet, $"home {i}"));
        world.Internet.Link = Link.Stormy;
        for (var i = 0; i < Clients; i++)
            world.After(TimeSpan.FromMilliseconds(10 * i), scene.UpNext);
        scene.RunFor(storm);
        Assert.All(scene.Attempts, a => Assert.True(a.IsDone));
        Assert.True(world.Count(Fate.Lost) > Clients && world.Count(Fate.Duplicated) > Clients && world.Count(Fate.Late) > Clients);

        world.Internet.Link = Link.Perfect with { Latency = TimeSpan.FromMilliseconds(50) };
        scene.RunFor(calm);
        var up = scene.Clients.Count(c => c.Status().Any());
        Assert.Null(Ends.Disagreement(scene.Clients, scene.Gateway));
        Assert.True(up > Clients * atLeast, $"only {up} of {Clients} are up");
        foreach (var client in scene.Clients.Where(c => c.Status().Any()).Take(5))
            Assert.True(scene.PingsBothWays(client), $"{client} cannot ping");
    }
}
