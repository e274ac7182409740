using Kuguru.Engine;
using Kuguru.Lab;

namespace Kuguru.Stories;

/// <summary>Floods of IKEv1's first messages, which there are no cookies against.</summary>
[Collection(nameof(Alone))]
public sealed class IkeV1AttackStories
{
    /// <summary>First messages of main mode that are kept at most.</summary>
    const int Kept = 1000;

    [Fact]
    public void A_flood_of_first_messages_from_strangers_is_computed_for_nobody_and_harms_neither_tunnels_nor_who_wants_one()
    {
        const int Messages = 20_000;
        var scene = Scene.Between(Sites.Easy, Sites.Public, Guarded(aggressive: false));
        Assert.True(scene.Connect(), scene.Why());
        var first = Strangers.FirstMessage(IkeV1.Options(aggressive: false));
        scene.World.Transcript.Limit = 1;
        long received = 0, answered = 0;
        var answers = new HashSet<string>();
        scene.World.Internet.Tap = packet =>
        {
            if (!IsStranger(packet.From.Address) && !IsStranger(packet.To.Address))
                return;
            if (IsStranger(packet.From.Address))
            {
                received += packet.Length;
                return;
            }
            answered += packet.Length;
            answers.Add(scene.World.Transcript.Describer.Describe(packet));
        };
        var before = GC.GetTotalMemory(forceFullCollection: true);
        for (uint i = 0; i < Messages; i++)
        {
            scene.World.Internet.Send(Packet.Udp(new(IpAddress.V4(0xC6120000 + i), 500), new(scene.Gateway.Address, 500), Strangers.WithSpi(first, scene.World.Dice.UInt64())));
            scene.RunFor(TimeSpan.FromMilliseconds(1));
        }
        Assert.True(scene.PingsBothWays(), scene.Why());
        Assert.InRange(scene.Gateway.Node.HalfOpenCount, 1, Kept);
        var each = (GC.GetTotalMemory(forceFullCollection: true) - before) / Kept;
        Assert.InRange(each, 0, 16_384);
        // What a stranger gets is a proposal and vendor IDs: no public value, for which something would have had to be computed.
        Assert.All(answers, answer => Assert.Matches(@"^ID_PROT \{ SA(, V)* \}", answer));
        Assert.True(answered <= received, $"{answered} octets for {received}");

        // Who means it gets through while the flood goes on.
        for (uint i = 0; i < 5000; i++)
        {
            var stranger = new Endpoint(IpAddress.V4(0xC6130000 + i), 500);
            scene.World.After(TimeSpan.FromMilliseconds(i), () => scene.World.Internet.Send(
                Packet.Udp(stranger, new(scene.Gateway.Address, 500), Strangers.WithSpi(first, scene.World.Dice.UInt64()))));
        }
        var late = scene.AddClient(Sites.Easy(scene.World.Internet, "late"));
        var up = late.Up(Scene.ChildName);
        scene.RunFor(TimeSpan.FromSeconds(5));
        Assert.True(up.Succeeded, scene.Why());
        Assert.True(scene.PingsBothWays(late));
        scene.RunFor(TimeSpan.FromMinutes(1));
        Assert.Equal((2, 0), (scene.Gateway.Node.IkeSaCount, scene.Gateway.Node.HalfOpenCount));
        Assert.True(scene.PingsBothWays());
    }

    [Fact]
    public void Aggressive_mode_which_has_to_compute_at_once_is_not_answered_while_the_house_is_full()
    {
        var scene = Scene.Between(Sites.Easy, Sites.Public, Guarded(aggressive: true));
        Assert.True(scene.Connect(), scene.Why());
        var first = Strangers.FirstMessage(IkeV1.Options(aggressive: true));
        var answers = 0;
        scene.World.Internet.Tap = packet => answers += IsStranger(packet.To.Address) && packet.From.Address == scene.Gateway.Address ? 1 : 0;
        for (uint i = 0; i < 2000; i++)
        {
            scene.World.Internet.Send(Packet.Udp(new(IpAddress.V4(0xC6120000 + i), 500), new(scene.Gateway.Address, 500), Strangers.WithSpi(first, scene.World.Dice.UInt64())));
            scene.RunFor(TimeSpan.FromMilliseconds(1));
        }
        scene.RunFor(TimeSpan.FromSeconds(1));
        var threshold = scene.Gateway.Node.Settings.CookieThreshold;
        Assert.Equal(threshold, scene.Gateway.Node.HalfOpenCount);
        Assert.True(scene.Gateway.Node.Counters[Drop.Closed] >= 2000 - threshold);
        // Each of those few is told again, as any that does not answer.
        Assert.InRange(answers, threshold, 6 * threshold);
        Assert.True(scene.PingsBothWays());
        scene.RunFor(TimeSpan.FromMinutes(1));
        Assert.Equal((1, 0), (scene.Gateway.Node.IkeSaCount, scene.Gateway.Node.HalfOpenCount));
        var late = scene.AddClient(Sites.Easy(scene.World.Internet, "late"));
        var up = late.Up(Scene.ChildName);
        scene.RunFor(TimeSpan.FromSeconds(5));
        Assert.True(up.Succeeded, scene.Why());
    }

    static SceneOptions Guarded(bool aggressive) => IkeV1.Options(aggressive) with { GatewaySettings = new() { AggressiveSharedKey = true } };

    static bool IsStranger(IpAddress address) => !address.IsV6 && address >= IpAddress.Parse("198.18.0.0") && address <= IpAddress.Parse("198.19.255.255");
}
