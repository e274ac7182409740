using Kuguru.Ike;
using Kuguru.Wire;
using Kuguru.Wire.V2;
using Xunit;
using static Kuguru.Tests.Ike.Spoiling;

namespace Kuguru.Tests.Ike.V2;

/// <summary>Bytes that nobody meant: from strangers, and from a peer that has gone mad but has the keys.</summary>
public class MutationTests
{
    static readonly Pool s_pool = new() { Name = "rw", Addresses = new(IpAddress.Parse("10.3.0.1"), IpAddress.Parse("10.3.0.9")), Dns = [IpAddress.Parse("10.2.0.53")] };

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void A_strangers_mutations_change_nothing_in_any_phase(int seed)
    {
        var random = new Random(seed);
        var pair = RoadWarrior(seed);
        var seen = new List<(Host To, Path Path, Blob Bytes)>();
        pair.World.Changes = (from, to, bytes) =>
        {
            // Who sees our SPI and answers IKE_SA_INIT faster than the responder can always spoil it (RFC 7296 section 2.4).
            if (from == pair.Moon || bytes.Span[18] != (byte)ExchangeType.IkeSaInit)
                seen.Add((to, pair.World.LastPath, bytes));
            return bytes;
        };
        pair.Moon.Up(pair.Sun);
        for (var step = 0; step < 40; step++)
        {
            pair.World.Run(0.02);
            Pester(pair, seen, random, 50);
        }
        Assert.Null(pair.Moon.Outcome(1));
        pair.Moon.Order((session, outbox) => session.RekeyChild(pair.World.Now, session.Status(pair.World.Now).Children.Single().UniqueId, 2, outbox));
        for (var step = 0; step < 20; step++)
        {
            pair.World.Run(0.02);
            Pester(pair, seen, random, 50);
        }
        pair.World.Run(60);
        Assert.Null(pair.Moon.Outcome(2));
        var (moon, sun) = (pair.Moon.Installed.Values.Single(), pair.Sun.Installed.Values.Single());
        Assert.Equal((moon.InboundSpi, moon.OutboundSpi), (sun.OutboundSpi, sun.InboundSpi));
        Assert.Single(pair.Sun.Sessions);
        Assert.Empty(pair.Moon.Events.OfType<Event.Moved>().Concat(pair.Sun.Events.OfType<Event.Moved>()));
    }

    [Fact]
    public void Mutations_with_a_good_ICV_end_in_an_answer_or_an_end_and_leave_nothing_behind()
    {
        var ended = 0;
        for (var seed = 0; seed < 400; seed++)
        {
            var pair = RoadWarrior(seed);
            var random = new Random(seed);
            pair.World.Changes = (from, to, bytes) => random.Next(4) == 0 ? Reseal(from, to, bytes, random) : bytes;
            pair.Moon.Up(pair.Sun);
            pair.World.Run(1);
            Rekey(pair, pair.Moon, 2);
            Rekey(pair, pair.Sun, 3);
            pair.World.Run(400);
            foreach (var host in (Host[])[pair.Moon, pair.Sun])
            {
                ended += host.Sessions.Count == 0 ? 1 : 0;
                foreach (var session in host.Sessions.ToList())
                    session.TerminateIke(pair.World.Now, 0, force: true, host.Outbox);
                host.Obey();
                Assert.True(host.Installed.Count == 0 && host.ReqIds.Count == 0 && host.Leases == 0, $"seed {seed}: something is left");
                foreach (var done in host.Events.OfType<Event.OrderDone>().GroupBy(done => done.Token))
                    Assert.True(done.Count() == 1, $"seed {seed}: order {done.Key} done {done.Count()} times");
            }
        }
        Assert.InRange(ended, 50, 800);
    }

    [Fact]
    public void An_authentic_request_that_cannot_be_read_is_answered_and_ends_the_IKE_SA_at_both_ends()
    {
        var pair = RoadWarrior(1).Up();
        // The first payload claims more octets than there are.
        pair.World.Changes = (from, to, bytes) => Resealing.Resealed(from, to, bytes, _ => [41, 0, 0, 200, 0, 0, 64, 0]) ?? bytes;
        pair.Moon.Order((session, outbox) => session.RekeyIke(pair.World.Now, 2, outbox));
        pair.World.Run(0.06);
        pair.World.Changes = (_, _, bytes) => bytes;
        pair.World.Run(1);
        Assert.Contains("< CREATE_CHILD_SA response 2 { N(INVALID_SYNTAX) }\n", pair.World.Transcript, StringComparison.Ordinal);
        Assert.Contains("is authentic but malformed: Truncated", Assert.Single(pair.Sun.Failures), StringComparison.Ordinal);
        Assert.Empty(pair.Moon.Sessions);
        Assert.Empty(pair.Sun.Sessions);
        Assert.Empty(pair.Sun.Installed);
    }

    [Fact]
    public void A_critical_payload_in_an_established_IKE_SA_is_refused_and_the_IKE_SA_stays()
    {
        var pair = RoadWarrior(1).Up();
        pair.World.Changes = (from, to, bytes) => from == pair.Moon ? Resealing.Resealed(from, to, bytes, plain => [.. plain, 0, 0x80, 0, 4], new Payload.Unknown((PayloadType)200, true, Blob.Empty)) ?? bytes : bytes;
        pair.Moon.Order((session, outbox) => session.RekeyIke(pair.World.Now, 2, outbox));
        pair.World.Run(0.06);
        pair.World.Changes = (_, _, bytes) => bytes;
        pair.World.Run(1);
        Assert.Contains("< CREATE_CHILD_SA response 2 { N(UNSUPPORTED_CRITICAL_PAYLOAD) }\n", pair.World.Transcript, StringComparison.Ordinal);
        Assert.Contains("UNSUPPORTED_CRITICAL_PAYLOAD", pair.Moon.Outcome(2)!.Sentence, StringComparison.Ordinal);
        Assert.Equal(IkeState.Established, pair.Sun.Session.State);
    }

    static Blob Reseal(Host from, Host to, Blob bytes, Random random) => Resealing.Resealed(from, to, bytes, plain => Mutate(plain, random)) ?? bytes;

    static Pair RoadWarrior(int seed)
    {
        var pair = new Pair(
            moon: c => c with { VirtualAddresses = [IpAddress.AnyV4], Children = [Configs.Child("net", "dynamic", "10.2.0.0/16")], DpdDelay = TimeSpan.FromSeconds(20) },
            sun: c => c with { Pools = ["rw"], Children = [Configs.Child("net", "10.2.0.0/16", "dynamic")] }, seed: seed);
        pair.Sun.Pools["rw"] = s_pool;
        return pair;
    }
}
