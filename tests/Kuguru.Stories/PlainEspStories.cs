using Kuguru.Crypto;
using Kuguru.Ike;
using Kuguru.Lab;

namespace Kuguru.Stories;

/// <summary>Plain ESP where encapsulation is forbidden, through NATs that pass it and through others (<c>esp-no-ports</c>).</summary>
public sealed class PlainEspStories
{
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void It_passes_a_passthrough_router(int version)
    {
        var scene = Scene.Between(Sites.Passthrough, Sites.Public, Options(version));
        Assert.True(scene.Connect(), scene.Why());
        Assert.True(scene.PingsBothWays(), scene.Why());
        Assert.Contains("plain ESP", scene.Transcript, StringComparison.Ordinal);
        Assert.All(scene.World.Transcript.Crossings, c => Assert.True(c.Packet.To.Port != 4500 && c.Packet.From.Port != 4500));
        scene.RunFor(TimeSpan.FromMinutes(2));
        Assert.DoesNotContain(scene.Client.Events, one => one.Event is Event.Failed);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void A_router_that_does_not_pass_it_is_told_of_loudly(int version)
    {
        var scene = Scene.Between(Sites.Easy, Sites.Public, Options(version));
        Assert.True(scene.Connect(), scene.Why());
        Assert.False(scene.PingsBothWays());
        for (var i = 0; i < 5; i++)
            Assert.False(scene.Pings(scene.Client, scene.Server.Address));
        scene.RunFor(TimeSpan.FromSeconds(20));
        Assert.StartsWith("no ESP comes from ", SaidBy(scene.Client), StringComparison.Ordinal);
        Assert.Contains("(esp-no-ports)", SaidBy(scene.Client), StringComparison.Ordinal);
        Assert.True(scene.World.Count(Fate.EspDropped) > 0);
    }

    [Fact]
    public void A_second_client_of_that_gateway_is_told_of_loudly_and_the_first_goes_on()
    {
        var scene = new Scene(Sites.Public, Options(2) with { Client = c => Never(c, 2) with { RemotePort = 4500 } });
        var site = Sites.Passthrough(scene.World.Internet, "cafe");
        scene.AddClient(site);
        scene.AddClient(site);
        Assert.True(scene.Connect(), scene.Why());
        Assert.True(scene.PingsBothWays(scene.Clients[0]), scene.Why());
        for (var i = 0; i < 5; i++)
            Assert.False(scene.Pings(scene.Clients[1], scene.Server.Address));
        scene.RunFor(TimeSpan.FromSeconds(20));
        Assert.Contains("another client of that gateway", SaidBy(scene.Clients[1]), StringComparison.Ordinal);
        Assert.True(scene.Pings(scene.Clients[0], scene.Server.Address), scene.Why());
        Assert.DoesNotContain(scene.Clients[0].Events, one => one.Event is Event.Failed);
    }

    static string SaidBy(Peer peer) => peer.Events.Select(one => one.Event).OfType<Event.Failed>().Single().Failure.Sentence;

    static SceneOptions Options(int version) => new() { Client = c => Never(c, version), Gateway = c => Never(c, version) };

    static Connection Never(Connection connection, int version) => connection with
    {
        Version = version,
        Encapsulation = Encapsulation.Never,
        Mobike = false,
        Proposals = AlgorithmSet.TryParse("aes128-sha256-x25519", ProposalKind.Ike, out var ike, out _) ? ike : [],
    };
}
