using Kuguru.Crypto;
using Kuguru.Esp;
using Kuguru.Ike;
using Kuguru.Lab;
using Kuguru.Wire;

namespace Kuguru.Stories;

/// <summary>AH where there is no NAT, also while packets are lost, and what becomes of it where there is one (<c>ah-integrity</c>).</summary>
public sealed class AhStories
{
    [Theory]
    [InlineData(1, false)]
    [InlineData(2, false)]
    [InlineData(2, true)]
    public void It_holds_for_hours_while_packets_are_lost(int version, bool v6)
    {
        var scene = Scene.Between(Sites.Public, Sites.Public, Options(version) with { OuterV6 = v6, Seed = 7 });
        scene.World.Internet.Link = Link.Stormy;
        Assert.True(scene.Connect(), scene.Why());
        var answered = 0;
        for (var i = 0; i < 150; i++)
        {
            var ping = scene.Client.Ping(scene.Server.Address);
            scene.RunFor(TimeSpan.FromMinutes(1));
            answered += ping.IsAnswered ? 1 : 0;
        }
        // Each way loses a fifth.
        Assert.InRange(answered, 60, 140);
        Assert.Equal(0, scene.Gateway.InboundDrops[Drop.NotAuthentic] + scene.Client.InboundDrops[Drop.NotAuthentic]);
        Assert.True(scene.Gateway.InboundDrops[Drop.Replayed] > 0);
        Assert.True(scene.Client.Events.Count(one => one.Event is Event.ChildRekeyed) >= 2);
        Assert.All(scene.Client.Children, child => Assert.Equal(ProtocolId.Ah, child.Sa.Protocol));
    }

    [Theory]
    [InlineData(1, nameof(Sites.Easy))]
    [InlineData(2, nameof(Sites.Easy))]
    [InlineData(1, nameof(Sites.Cgnat))]
    [InlineData(2, nameof(Sites.Cgnat))]
    public void Behind_a_NAT_it_is_refused_and_both_ends_say_why(int version, string site)
    {
        var scene = Scene.Between(typeof(Sites).GetMethod(site)!.CreateDelegate<SitePlan>(), Sites.Public, Options(version));
        Assert.False(scene.Connect(), scene.Why());
        Assert.Contains("AH cannot pass the NAT in front of us", scene.Attempts[0].Failure!.Sentence, StringComparison.Ordinal);
        Assert.Contains(scene.Gateway.Events, one => one.Event is Event.Note { Severity: Severity.Warning } note
            && note.Text.StartsWith("AH cannot pass the NAT in front of ", StringComparison.Ordinal));
        Assert.Empty(scene.Client.Children);
        Assert.DoesNotContain(" AH ", scene.Transcript, StringComparison.Ordinal);
    }

    [Fact]
    public void Who_moves_behind_a_NAT_loses_it_and_hears_why()
    {
        var scene = Scene.Between(Sites.Public, Sites.Public, Options(2) with { Client = c => Ah(c, 2) with { Mobike = true }, Gateway = c => Ah(c, 2) with { Mobike = true } });
        Assert.True(scene.Connect(), scene.Why());
        Assert.True(scene.PingsBothWays(), scene.Why());
        scene.Client.Roam(Sites.Easy(scene.World.Internet, "cafe").Lan);
        scene.RunFor(TimeSpan.FromSeconds(30));
        foreach (var peer in (Peer[])[scene.Client, scene.Gateway])
        {
            Assert.Contains(peer.Events, one => one.Event is Event.Failed failed && failed.Failure.Sentence.Contains(" ends: AH cannot pass the NAT in front of", StringComparison.Ordinal));
            Assert.Empty(peer.Children);
        }
        Assert.Equal(IkeState.Established, scene.Client.Sa.State);
    }

    static SceneOptions Options(int version) => new() { Client = c => Ah(c, version), Gateway = c => Ah(c, version) };

    static Connection Ah(Connection connection, int version) => connection with
    {
        Version = version,
        Mobike = false,
        Proposals = AlgorithmSet.TryParse("aes128-sha256-x25519", ProposalKind.Ike, out var ike, out _) ? ike : [],
        Children = [connection.Children[0] with { Proposals = AlgorithmSet.TryParse("sha256", ProposalKind.Ah, out var ah, out _) ? ah : [] }],
    };
}
