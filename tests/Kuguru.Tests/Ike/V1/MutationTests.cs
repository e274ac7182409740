using Kuguru.Ike;
using Kuguru.Ike.V1;
using Kuguru.Wire;
using Kuguru.Wire.V1;
using Xunit;
using static Kuguru.Tests.Ike.Spoiling;

namespace Kuguru.Tests.Ike.V1;

/// <summary>Bytes that nobody meant: from strangers, and from a peer that has gone mad but has the keys.</summary>
public class MutationTests
{
    [Theory]
    [InlineData(1, false)]
    [InlineData(2, true)]
    public void A_strangers_mutations_of_encrypted_messages_change_nothing_in_any_phase(int seed, bool users)
    {
        var random = new Random(seed);
        var pair = RoadWarrior(seed, users);
        var seen = new List<(Host To, Path Path, Blob Bytes)>();
        pair.World.Changes = (_, to, bytes) =>
        {
            // What is in clear anybody who sees the cookies can spoil, as long as he is faster: main mode authenticates afterwards.
            if ((bytes.Span[19] & 1) == 1)
                seen.Add((to, pair.World.LastPath, bytes));
            return bytes;
        };
        pair.Moon.Up(pair.Sun);
        for (var step = 0; step < 60; step++)
        {
            pair.World.Run(0.02);
            Pester(pair, seen, random, 30);
        }
        pair.World.Run(60);
        Assert.Null(pair.Moon.Outcome(1));
        Assert.Single(pair.Sun.Sessions);
        var (moon, sun) = (pair.Moon.Installed.Values.Single(), pair.Sun.Installed.Values.Single());
        Assert.Equal((moon.InboundSpi, moon.OutboundSpi), (sun.OutboundSpi, sun.InboundSpi));
        Assert.Empty(pair.Moon.Events.OfType<Event.Moved>().Concat(pair.Sun.Events.OfType<Event.Moved>()));
    }

    [Fact]
    public void Mutations_of_every_message_in_every_state_end_in_an_answer_or_an_end_and_leave_nothing_behind()
    {
        var ended = 0;
        for (var seed = 0; seed < 400; seed++)
        {
            var pair = RoadWarrior(seed, users: seed % 2 == 0, aggressive: seed % 4 > 1);
            var random = new Random(seed);
            pair.World.Changes = (_, to, bytes) => random.Next(5) == 0 ? Changed(to, bytes, random) : bytes;
            pair.Moon.Up(pair.Sun);
            pair.World.Run(2);
            Rekey(pair, pair.Moon, 2);
            Rekey(pair, pair.Sun, 3);
            pair.World.Run(400);
            foreach (var host in (Host[])[pair.Moon, pair.Sun])
            {
                ended += host.Sessions.Count == 0 ? 1 : 0;
                foreach (var session in host.Sessions.ToList())
                    session.TerminateIke(pair.World.Now, 0, force: true, host.Outbox);
                host.Obey();
                Assert.True(host.Installed.Count == 0 && host.ReqIds.Count == 0 && host.Leases == 0 && host.Seen.Count == 0,
                    $"seed {seed}: left are {host.Installed.Count} children, {host.ReqIds.Count} reqids, {host.Leases} leases, {host.Seen.Count} of whom is seen how");
                foreach (var done in host.Events.OfType<Event.OrderDone>().GroupBy(done => done.Token))
                    Assert.True(done.Count() == 1, $"seed {seed}: order {done.Key} done {done.Count()} times");
            }
        }
        Assert.InRange(ended, 20, 780);
    }

    [Fact]
    public void Absurd_NAT_D_payloads_mean_a_NAT_at_most()
    {
        foreach (var (count, size) in ((int, int)[])[(0, 0), (1, 20), (2, 0), (100, 3), (3, 5000)])
        {
            var pair = MainModeStories.Two();
            pair.World.Changes = (from, to, bytes) => from == pair.Moon && to == pair.Sun && IsakmpMessage.TryParse(bytes, out var message, out _) && message.Find<Payload.NatD>() is not null
                ? (message with
                {
                    Payloads = message.Payloads.Where(payload => payload is not Payload.NatD)
                        .Concat(Enumerable.Repeat<Payload>(new Payload.NatD(new byte[size], false), count)).ToSequence(),
                }).Write() : bytes;
            pair.Moon.Up(pair.Sun);
            pair.World.Run(10);
            MainModeStories.IsUp(pair);
            Assert.Equal(count < 2 ? "unsupported" : "both", $"{pair.Sun.V1.Nat}");
        }
    }

    /// <summary>Clear messages changed anywhere behind the header; encrypted ones inside, with a good HASH(1) where that is what they have.</summary>
    static Blob Changed(Host to, Blob bytes, Random random)
    {
        var marker = bytes.Span.StartsWith((ReadOnlySpan<byte>)[0, 0, 0, 0]) ? 4 : 0;
        if (!IsakmpMessage.TryParse(bytes.Span[marker..], out var message, out _))
            return bytes;
        Blob changed = message.Encrypted is { } encrypted ? Inside(to, message, encrypted, random) ?? bytes.Span[marker..].ToArray()
            : WithLength([.. bytes.Span[marker..(marker + IkeHeader.Size)], .. Mutate(Blob.Copy(bytes.Span[(marker + IkeHeader.Size)..]), random)]);
        return (byte[])[.. new byte[marker], .. changed.Span];
    }

    static Blob? Inside(Host to, IsakmpMessage message, Payload.Encrypted encrypted, Random random)
    {
        var session = to.Sessions.OfType<IkeV1Session>().FirstOrDefault(one => one.LocalSpi == message.InitiatorCookie || one.LocalSpi == message.ResponderCookie);
        var (keying, iv) = session?.Phase switch
        {
            KeyedPhase phase => (phase.Keying, phase.IvOf(message.Id)),
            ExpectIdentity phase => (phase.Keying, phase.Keying.LastBlock),
            OfferedAggressive phase => (phase.Keying, phase.Keying.LastBlock),
            _ => (null, default),
        };
        if (keying?.Open(iv, encrypted) is not { } plaintext)
            return null;
        if (encrypted.FirstInner != PayloadKind.Hash || message.Exchange == ExchangeKind.Aggressive)
            return (message with { Payloads = [keying.Seal(iv, encrypted.FirstInner, Mutate(plaintext, random))] }).Write();
        var length = plaintext[2] << 8 | plaintext[3];
        if (length > plaintext.Length)
            return null;
        var rest = Mutate(plaintext[length..], random);
        var used = Payload.TryReadChain((PayloadKind)plaintext[0], rest, out _, out var octets, out _) ? octets : rest.Length;
        byte[] inside = [.. plaintext[..4], .. keying.Hash1(message.Id, rest.AsSpan(0, used)), .. rest];
        return (message with { Payloads = [keying.Seal(iv, PayloadKind.Hash, inside)] }).Write();
    }

    static byte[] WithLength(byte[] bytes)
    {
        System.Buffers.Binary.BinaryPrimitives.WriteUInt32BigEndian(bytes.AsSpan(24), (uint)bytes.Length);
        return bytes;
    }

    static Pair RoadWarrior(int seed, bool users, bool aggressive = false)
    {
        var pair = MainModeStories.Two(
            moon: c => c with { DpdDelay = TimeSpan.FromSeconds(20) },
            change: c => c with { Aggressive = aggressive }, seed: seed);
        pair.Sun.Settings = new() { AggressiveSharedKey = true };
        if (!users)
            return pair;
        var (moon, sun) = (pair.Moon.Connections[0], pair.Sun.Connections[0]);
        pair.Moon.Connections[0] = moon with
        {
            Local = [moon.Local[0], new AuthenticationRound { Kind = AuthenticationKind.Xauth, XauthId = Identity.Parse("carol") }],
            VirtualAddresses = [IpAddress.AnyV4],
            Children = [Configs.Child("net", "dynamic", "10.2.0.0/16")],
        };
        pair.Sun.Connections[0] = sun with
        {
            Remote = [sun.Remote[0], new AuthenticationRound { Kind = AuthenticationKind.Xauth }],
            Pools = ["pool"],
            Children = [Configs.Child("net", "10.2.0.0/16", "dynamic")],
        };
        pair.Sun.Pools["pool"] = new() { Name = "pool", Addresses = new(IpAddress.Parse("10.9.0.1"), IpAddress.Parse("10.9.0.9")) };
        foreach (var host in (Host[])[pair.Moon, pair.Sun])
            host.Keys.Add(Configs.Key("4iChxLT3", "carol") with { Kind = SharedKeyKind.Eap });
        return pair;
    }
}
