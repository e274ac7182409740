using System.Buffers.Binary;
using Kuguru.Ike;
using Kuguru.Lab;
using Kuguru.Wire;

namespace Kuguru.Stories;

/// <summary>Stories that weigh the whole process's memory, so that no other may run beside them.</summary>
[CollectionDefinition(nameof(Alone), DisableParallelization = true)]
public sealed class Alone;

/// <summary>Strangers' datagrams: floods, garbage, and what must come of them: nothing.</summary>
[Collection(nameof(Alone))]
public sealed class AttackStories
{
    [Fact]
    public void A_flood_of_first_messages_is_met_with_cookies_and_a_client_with_one_gets_through()
    {
        var scene = Scene.Between(Sites.Easy, Sites.Public);
        var first = Strangers.FirstMessage();
        for (uint i = 0; i < 1000; i++)
        {
            var stranger = new Endpoint(IpAddress.V4(0xC6120000 + i), 500);
            scene.World.After(TimeSpan.FromMilliseconds(10 * i), () => scene.World.Internet.Send(
                Packet.Udp(stranger, new(scene.Gateway.Address, 500), Strangers.WithSpi(first, scene.World.Dice.UInt64()))));
        }
        scene.RunFor(TimeSpan.FromSeconds(9));
        Assert.InRange(scene.Gateway.Node.HalfOpenCount, 1, scene.Gateway.Node.Settings.CookieThreshold);
        Assert.True(scene.Connect(TimeSpan.FromSeconds(1)), scene.Why());
        Assert.Contains(scene.World.Transcript.Crossings, c => c.Sender == "client" && scene.World.Transcript.Describer.Describe(c.Packet).Contains("N(COOKIE)", StringComparison.Ordinal));
        Assert.True(scene.PingsBothWays());
        scene.RunFor(TimeSpan.FromMinutes(1));
        Assert.Equal(0, scene.Gateway.Node.HalfOpenCount);
    }

    [Fact]
    public void A_half_open_peer_costs_less_than_sixteen_kilobytes_and_is_forgotten()
    {
        const int Peers = 2000;
        var scene = Scene.Between(Sites.Easy, Sites.Public, new()
        {
            GatewaySettings = new() { CookieThreshold = 0, CookieThresholdPerAddress = 0, BlockThreshold = 0, HalfOpenLimit = Peers },
        });
        scene.World.Transcript.Limit = 1;
        var first = Strangers.FirstMessage();
        var before = GC.GetTotalMemory(forceFullCollection: true);
        for (uint i = 0; i < 2 * Peers; i++)
        {
            scene.World.Internet.Send(Packet.Udp(new(IpAddress.V4(0xC6120000 + i), 500), new(scene.Gateway.Address, 500), Strangers.WithSpi(first, scene.World.Dice.UInt64())));
            scene.RunFor(TimeSpan.FromMilliseconds(1));
        }
        scene.RunFor(TimeSpan.FromSeconds(1));
        Assert.Equal(Peers, scene.Gateway.Node.HalfOpenCount);
        var each = (GC.GetTotalMemory(forceFullCollection: true) - before) / Peers;
        Assert.InRange(each, 0, 16_384);
        scene.RunFor(TimeSpan.FromMinutes(1));
        Assert.Equal((0, 0), (scene.Gateway.Node.HalfOpenCount, scene.Gateway.Node.IkeSaCount));
        GC.KeepAlive(scene);
    }

    [Theory]
    [InlineData(11)]
    [InlineData(12)]
    public void Fifty_thousand_mutated_datagrams_do_nothing_to_a_gateway_with_a_live_tunnel(ulong seed)
    {
        const int Datagrams = 50_000, Round = 500;
        var scene = Scene.Between(Sites.Napt, Sites.Public, new() { Seed = seed, Client = c => c with { DpdDelay = TimeSpan.FromSeconds(5) } });
        var caught = new List<Packet>();
        scene.World.Internet.Tap = p => { if (p.To.Address == scene.Gateway.Address) caught.Add(p); };
        Assert.True(scene.Connect());
        Assert.True(scene.PingsBothWays());
        scene.RunFor(TimeSpan.FromSeconds(30));
        scene.World.Transcript.Limit = 100;
        var samples = caught.DistinctBy(p => (p.Payload.Length, p.To.Port)).ToList();
        var real = scene.Gateway.Sa.Path.Remote;
        var dice = scene.World.Dice.Fork("mutations");
        long received = 0, answered = 0, memory = 0;
        scene.World.Internet.Tap = p => Weigh(p, real, ref received, ref answered, scene.Gateway.Address);
        for (var i = 0; i < Datagrams; i++)
        {
            var sample = samples[dice.Below(samples.Count)];
            var from = dice.Chance(0.5) ? real : new Endpoint(IpAddress.V4(0xC6120000 + (uint)dice.Below(100)), (ushort)dice.Below(65536));
            scene.World.Internet.Send(sample with { From = from, Payload = Mutate(sample.Payload, dice) });
            scene.RunFor(TimeSpan.FromMilliseconds(2));
            if (i % Round != 0)
                continue;
            Assert.True(scene.PingsBothWays(), $"seed {seed}, after {i}: {scene.Why()}");
            Assert.Equal(real, scene.Gateway.Status().Single(sa => sa.State == IkeState.Established).Path.Remote);
            if (i == Datagrams / 2)
                memory = GC.GetTotalMemory(forceFullCollection: true);
        }
        scene.RunFor(TimeSpan.FromMinutes(1));
        var growth = GC.GetTotalMemory(forceFullCollection: true) - memory;
        Assert.True(growth < 1_000_000, $"seed {seed}: memory grew by {growth} octets in the second half");
        Assert.True(answered < received, $"seed {seed}: {answered} octets for {received}");
        Assert.Equal((1, 0), (scene.Gateway.Node.IkeSaCount, scene.Gateway.Node.HalfOpenCount));
        Assert.Null(Ends.Disagreement(scene.Clients, scene.Gateway));
        Assert.True(scene.PingsBothWays());
    }

    /// <summary>Octets from and to strangers.</summary>
    static void Weigh(Packet packet, Endpoint real, ref long received, ref long answered, IpAddress gateway)
    {
        if (packet.To.Address == gateway && packet.From != real)
            received += packet.Length;
        else if (packet.From.Address == gateway && packet.To.Address != real.Address)
            answered += packet.Length;
    }

    /// <summary>What a fuzzer does: flips, cuts, grows, other lengths and types, parts of itself elsewhere.</summary>
    static Blob Mutate(Blob payload, SeededDice dice)
    {
        var bytes = payload.ToArray();
        for (var times = 1 + dice.Below(4); times > 0; times--)
        {
            var at = dice.Below(bytes.Length);
            switch (dice.Below(7))
            {
                case 0:
                    bytes[at] ^= (byte)(1 << dice.Below(8));
                    break;
                case 1:
                    bytes[at] = (byte)dice.Below(256);
                    break;
                case 2:
                    bytes = bytes[..Math.Max(1, at)];
                    break;
                case 3:
                    bytes = [.. bytes, .. dice.Bytes(1 + dice.Below(64))];
                    break;
                case 4:
                    bytes = [.. bytes[..at], .. bytes[(at / 2)..]];
                    break;
                case 5 when at + 2 <= bytes.Length:
                    BinaryPrimitives.WriteUInt16BigEndian(bytes.AsSpan(at), (ushort)dice.Below(65536));
                    break;
                case 6 when bytes.Length > IkeHeader.Size:
                    bytes.AsSpan(dice.Below(IkeHeader.Size), 1).Fill((byte)dice.Below(256));
                    break;
            }
        }
        return bytes;
    }
}
