using Kuguru.Crypto;
using Kuguru.Ike;
using Kuguru.Ike.V2;
using Kuguru.Wire;
using Kuguru.Wire.V2;
using Xunit;

namespace Kuguru.Tests.Ike.V2;

/// <summary>New keys: by order, by time, by volume, and by both ends at once.</summary>
public class RekeyStories
{
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_child_is_rekeyed_by_either_side_and_the_old_one_deleted(bool byMoon)
    {
        var pair = new Pair().Up();
        var (one, other) = byMoon ? (pair.Moon, pair.Sun) : (pair.Sun, pair.Moon);
        var old = one.Installed.Values.Single();
        RekeyChild(pair, one);
        pair.World.Run(1);
        var (ask, answer, first) = byMoon ? ('>', '<', 2) : ('<', '>', 0);
        Assert.Equal($$"""
            2.00 {{ask}} CREATE_CHILD_SA request {{first}} { N(REKEY_SA), SA, Ni, KEi, TSi, TSr }
            2.05 {{answer}} CREATE_CHILD_SA response {{first}} { SA, Nr, KEr, TSi, TSr }
            2.10 {{ask}} INFORMATIONAL request {{first + 1}} { D }
            2.15 {{answer}} INFORMATIONAL response {{first + 1}} { D }

            """, pair.World.Transcript);
        Assert.Null(one.Outcome(2));
        var (mine, theirs) = (one.Installed.Values.Single(), other.Installed.Values.Single());
        Assert.NotEqual(old.InboundSpi, mine.InboundSpi);
        Assert.Equal((mine.InboundSpi, mine.OutboundSpi), (theirs.OutboundSpi, theirs.InboundSpi));
        Assert.Equal((mine.InboundKeys, mine.OutboundKeys), (theirs.OutboundKeys, theirs.InboundKeys));
        Assert.NotEqual(old.InboundKeys.Encryption, mine.InboundKeys.Encryption);
        Assert.Equal((old.ReqId, KeyExchangeMethod.Curve25519), (mine.ReqId, mine.KeyExchange));
        Assert.Single(one.ReqIds);
        Assert.Empty(one.Events.OfType<Event.ChildDown>());
        Assert.Empty(other.Events.OfType<Event.ChildDown>());
        Assert.Single(one.Events.OfType<Event.ChildRekeyed>());
        Assert.Single(other.Events.OfType<Event.ChildRekeyed>());
    }

    [Fact]
    public void Who_answers_a_rekeying_sends_with_the_new_SA_when_the_old_one_is_deleted()
    {
        var pair = new Pair().Up();
        RekeyChild(pair, pair.Moon);
        pair.World.Run(0.06);
        var install = Assert.IsType<Effect.InstallSa>(pair.Sun.Effects[^1]);
        Assert.True(install.InboundOnly);
        pair.World.Run(1);
        Assert.Equal(["UseSa", "RemoveSa"], pair.Sun.Effects.SkipWhile(e => e != install).Skip(1).Select(e => e.GetType().Name));
        Assert.False(pair.Moon.Effects.OfType<Effect.InstallSa>().Last().InboundOnly);
    }

    [Fact]
    public void Or_as_soon_as_the_peer_uses_it()
    {
        var pair = new Pair().Up();
        RekeyChild(pair, pair.Moon);
        pair.World.Run(0.06);
        var fresh = pair.Sun.Installed.Keys.Last();
        for (var i = 0; i < 2; i++)
            pair.Sun.Order((session, outbox) => session.EspUsed(pair.World.Now, fresh, outbox));
        Assert.Equal(new Effect.UseSa(fresh), pair.Sun.Effects[^1]);
        Assert.Single(pair.Sun.Effects.OfType<Effect.UseSa>());
        pair.World.Run(1);
        Assert.Single(pair.Sun.Effects.OfType<Effect.UseSa>());
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    [InlineData(5)]
    [InlineData(6)]
    public void Both_rekey_the_same_child_at_once_and_one_new_child_is_left_at_both_ends(int seed)
    {
        var pair = new Pair(seed: seed).Up();
        RekeyChild(pair, pair.Moon);
        RekeyChild(pair, pair.Sun);
        pair.World.Run(2);
        var (moon, sun) = (pair.Moon.Installed.Values.Single(), pair.Sun.Installed.Values.Single());
        Assert.Equal((moon.InboundSpi, moon.OutboundSpi), (sun.OutboundSpi, sun.InboundSpi));
        Assert.Equal((moon.InboundKeys, moon.OutboundKeys), (sun.OutboundKeys, sun.InboundKeys));
        foreach (var host in (Host[])[pair.Moon, pair.Sun])
        {
            Assert.Null(host.Outcome(2));
            Assert.Equal(ChildState.Installed, host.Session.Status(pair.World.Now).Children.Single().State);
            Assert.Single(host.ReqIds);
            Assert.Empty(host.Events.OfType<Event.ChildDown>());
            Assert.Empty(host.Failures);
        }
        // Two questions and two deletes each way: the old one and the redundant one.
        Assert.Equal(8, pair.World.Transcript.Count(c => c == '\n'));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    public void A_collision_where_one_answer_is_late_ends_the_same_way(int seed)
    {
        var pair = new Pair(seed: seed).Up();
        var lost = false;
        // The answer to moon's question is lost once, so sun's rekeying is long over when it comes.
        pair.World.Loses = (path, bytes) => path.Local.Address == pair.Sun.Address && (bytes.Span[19] & 0x20) != 0 && !lost && (lost = true);
        RekeyChild(pair, pair.Moon);
        RekeyChild(pair, pair.Sun);
        pair.World.Run(20);
        var (moon, sun) = (pair.Moon.Installed.Values.Single(), pair.Sun.Installed.Values.Single());
        Assert.Equal((moon.InboundSpi, moon.OutboundSpi), (sun.OutboundSpi, sun.InboundSpi));
        Assert.Single(pair.Moon.ReqIds);
        Assert.Single(pair.Sun.ReqIds);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void The_IKE_SA_is_rekeyed_by_either_side_and_its_child_moves_along(bool byMoon)
    {
        var pair = new Pair().Up();
        var (one, other) = byMoon ? (pair.Moon, pair.Sun) : (pair.Sun, pair.Moon);
        var (old, child) = (one.Session, one.Installed.Keys.Single());
        one.Order((session, outbox) => session.RekeyIke(pair.World.Now, 2, outbox));
        Assert.Equal(IkeState.Rekeying, one.Session.State);
        pair.World.Run(1);
        var (ask, answer, first) = byMoon ? ('>', '<', 2) : ('<', '>', 0);
        Assert.Equal($$"""
            2.00 {{ask}} CREATE_CHILD_SA request {{first}} { SA, Ni, KEi }
            2.05 {{answer}} CREATE_CHILD_SA response {{first}} { SA, Nr, KEr }
            2.10 {{ask}} INFORMATIONAL request {{first + 1}} { D }
            2.15 {{answer}} INFORMATIONAL response {{first + 1}} { }

            """, pair.World.Transcript);
        Assert.Null(one.Outcome(2));
        Assert.NotSame(old, one.Session);
        Assert.Equal((one.Session.LocalSpi, one.Session.RemoteSpi), (other.Session.RemoteSpi, other.Session.LocalSpi));
        Assert.True(one.Session.IsInitiator);
        Assert.False(other.Session.IsInitiator);
        Assert.Equal([child], one.Session.InboundSpis);
        Assert.Equal(("moon.example.org", "sun.example.org"), ($"{pair.Moon.Session.LocalId}", $"{pair.Moon.Session.RemoteId}"));
        Assert.Single(other.Installed);
        Assert.Empty(one.Events.OfType<Event.IkeDown>());
        Assert.Empty(other.Events.OfType<Event.IkeDown>());
        Assert.Equal("IKE_SA gw[1] rekeyed as [2]", Assert.Single(one.Events.OfType<Event.IkeRekeyed>()).Sentence);

        // And it works: a child, an end.
        RekeyChild(pair, other);
        pair.World.Run(1);
        Assert.Null(other.Outcome(2));
        one.Order((session, outbox) => session.TerminateIke(pair.World.Now, 3, force: false, outbox));
        pair.World.Run(1);
        Assert.Empty(other.Sessions);
        Assert.Empty(other.Installed);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    [InlineData(5)]
    [InlineData(6)]
    public void Both_rekey_the_IKE_SA_at_once_and_one_new_one_is_left(int seed)
    {
        var pair = new Pair(seed: seed).Up();
        foreach (var host in (Host[])[pair.Moon, pair.Sun])
            host.Order((session, outbox) => session.RekeyIke(pair.World.Now, 2, outbox));
        pair.World.Run(40);
        Assert.Equal((pair.Moon.Session.LocalSpi, pair.Moon.Session.RemoteSpi), (pair.Sun.Session.RemoteSpi, pair.Sun.Session.LocalSpi));
        foreach (var host in (Host[])[pair.Moon, pair.Sun])
        {
            Assert.Null(host.Outcome(2));
            Assert.Single(host.Session.InboundSpis);
            Assert.Single(host.Installed);
            Assert.Empty(host.Events.OfType<Event.IkeDown>());
            Assert.Empty(host.Failures);
            Assert.Single(host.Events.OfType<Event.IkeRekeyed>());
        }
    }

    [Fact]
    public void An_IKE_rekeying_waits_while_the_peer_is_busy_with_a_child()
    {
        var pair = new Pair().Up();
        RekeyChild(pair, pair.Moon);
        pair.Sun.Order((session, outbox) => session.RekeyIke(pair.World.Now, 3, outbox));
        pair.World.Run(1);
        Assert.Contains("CREATE_CHILD_SA response 0 { N(TEMPORARY_FAILURE) }", pair.World.Transcript, StringComparison.Ordinal);
        Assert.NotNull(pair.Sun.Outcome(3));
        Assert.Empty(pair.Sun.Failures);
        pair.World.Run(30);
        Assert.Single(pair.Sun.Events.OfType<Event.IkeRekeyed>());
        Assert.Single(pair.Moon.Installed);
        Assert.Equal((pair.Moon.Session.LocalSpi, pair.Moon.Session.RemoteSpi), (pair.Sun.Session.RemoteSpi, pair.Sun.Session.LocalSpi));
    }

    [Fact]
    public void A_child_that_is_asked_for_meanwhile_comes_up_on_the_new_IKE_SA()
    {
        var pair = new Pair(sun: c => c with { Children = [.. c.Children, Configs.Child("more", "10.6.0.0/16", "10.5.0.0/16")] }).Up();
        pair.Moon.Order((session, outbox) => session.RekeyIke(pair.World.Now, 2, outbox));
        pair.Moon.Order((session, outbox) => session.RequestChild(pair.World.Now, Configs.Child("more", "10.5.0.0/16", "10.6.0.0/16"), 3, outbox));
        Assert.True(pair.Moon.Session.HasChild("more"));
        pair.World.Run(2);
        Assert.Null(pair.Moon.Outcome(3));
        Assert.Equal(2, pair.Moon.Session.InboundSpis.Count());
        Assert.Equal(2, pair.Sun.Session.InboundSpis.Count());
    }

    [Fact]
    public void The_peer_has_lost_the_child_so_it_is_made_anew()
    {
        var pair = new Pair().Up();
        // Sun's Delete is lost for good, as far as moon knows.
        pair.World.Loses = (path, _) => path.Local.Address == pair.Sun.Address;
        pair.Sun.Order((session, outbox) => session.TerminateChild(pair.World.Now, session.Status(pair.World.Now).Children.Single().UniqueId, 3, force: true, outbox));
        pair.World.Run(0.1);
        RekeyChild(pair, pair.Moon);
        pair.World.Run(0.1);
        pair.World.Loses = (path, bytes) => path.Local.Address == pair.Sun.Address && (bytes.Span[19] & 0x20) == 0;
        pair.World.Run(8);
        Assert.Contains("CREATE_CHILD_SA response 2 { N(CHILD_SA_NOT_FOUND) }", pair.World.Transcript, StringComparison.Ordinal);
        var (moon, sun) = (pair.Moon.Installed.Values.Single(), pair.Sun.Installed.Values.Single());
        Assert.Equal((moon.InboundSpi, moon.OutboundSpi), (sun.OutboundSpi, sun.InboundSpi));
    }

    [Theory] // strongSwan 6 says CHILD_SA_NOT_FOUND of what its own question is making
    [InlineData(true)]
    [InlineData(false)]
    public void A_child_that_the_peer_does_not_know_yet_is_not_given_up(bool rekeys)
    {
        var pair = new Pair().Up();
        var lost = 0;
        // Sun rekeys, and moon's answer is lost twice.
        pair.World.Loses = (path, bytes) => path.Local.Address == pair.Moon.Address && bytes.Span[18] == 36 && (bytes.Span[19] & 0x20) != 0 && lost++ < 2;
        // Sun is one that says so, and forgets what it was told of an SPI that it does not know.
        pair.World.Changes = (from, to, bytes) => from == pair.Sun && (bytes.Span[19] & 0x20) == 0 ? bytes : Resealing.WithPayloads(from, to, bytes, payloads => payloads.Select(payload => payload switch
        {
            Payload.Notify { Kind: NotifyType.TemporaryFailure } => new Payload.Notify(ProtocolId.Esp, pair.Moon.Installed.Keys.Last().ToBlob(), NotifyType.ChildSaNotFound, Blob.Empty),
            Payload.Delete when from == pair.Moon && pair.Sun.Session.Phase is Established { Current: ChildErrand } => new Payload.Delete(ProtocolId.Esp, [new Spi(0x1234567)]),
            _ => payload,
        }).ToSequence());
        RekeyChild(pair, pair.Sun);
        pair.World.Run(0.2);
        var made = pair.Moon.Session.Status(pair.World.Now).Children.Single(child => child.State == ChildState.Installed).UniqueId;
        pair.Moon.Order((session, outbox) =>
        {
            if (rekeys)
                session.RekeyChild(pair.World.Now, made, 7, outbox);
            else
                session.TerminateChild(pair.World.Now, made, 7, force: false, outbox);
        });
        pair.World.Run(60);
        Assert.True(pair.Moon.IsDone(7));
        Assert.Equal(rekeys ? 1 : 0, pair.Moon.Installed.Count);
        Assert.Equal(pair.Moon.Installed.Values.Select(sa => (sa.InboundSpi, sa.OutboundSpi)), pair.Sun.Installed.Values.Select(sa => (sa.OutboundSpi, sa.InboundSpi)));
        Assert.Empty(pair.Moon.Failures);
        Assert.DoesNotContain(pair.Moon.Events.OfType<Event.Note>(), note => note.Severity == Severity.Warning);
    }

    [Fact]
    public void Time_brings_new_keys_for_child_and_IKE_SA_all_day_long()
    {
        var pair = new Pair(moon: Lives, sun: Lives).Up();
        pair.World.Run(24 * 3600);
        Assert.InRange(pair.Moon.Events.OfType<Event.ChildRekeyed>().Count(), 22, 30);
        Assert.InRange(pair.Moon.Events.OfType<Event.IkeRekeyed>().Count(), 5, 8);
        Assert.Single(pair.Moon.Installed);
        Assert.Single(pair.Sun.Installed);
        Assert.Single(pair.Moon.Sessions);
        Assert.Single(pair.Sun.Sessions);
        Assert.Empty(pair.Moon.Failures);
        Assert.Empty(pair.Sun.Failures);
        Assert.Empty(pair.Moon.Events.OfType<Event.IkeDown>());
        Assert.Empty(pair.Moon.Events.OfType<Event.ChildDown>());

        static Connection Lives(Connection c) => c with { RekeyTime = TimeSpan.FromHours(4) };
    }

    [Fact]
    public void Volume_brings_new_keys_too()
    {
        var pair = new Pair(moon: c => c with { Children = [c.Children[0] with { RekeyBytes = 1_000_000, LifeBytes = 1_100_000 }] }).Up();
        var usage = pair.Moon.Installed.Values.Single().Usage;
        usage.CountOutbound(pair.World.Now, 1, 800_000);
        pair.World.Run(5);
        Assert.Empty(pair.Moon.Events.OfType<Event.ChildRekeyed>());
        usage.CountOutbound(pair.World.Now, 1, 200_001);
        pair.World.Run(5);
        Assert.Single(pair.Moon.Events.OfType<Event.ChildRekeyed>());
    }

    [Fact]
    public void Sequence_numbers_of_32_bits_never_run_out()
    {
        var pair = Pair.Both(c => c with { Children = [c.Children[0] with { Proposals = Configs.Esp("aes128gcm16-noesn"), RekeyTime = TimeSpan.Zero }] }).Up();
        pair.Moon.Installed.Values.Single().Usage.CountOutbound(pair.World.Now, int.MaxValue, 1);
        pair.World.Run(120);
        Assert.Empty(pair.Moon.Events.OfType<Event.ChildRekeyed>());
        pair.Moon.Installed.Values.Single().Usage.CountOutbound(pair.World.Now, int.MaxValue / 2 + 2, 1);
        pair.World.Run(120);
        Assert.Single(pair.Moon.Events.OfType<Event.ChildRekeyed>());
    }

    [Fact]
    public void A_child_that_cannot_be_rekeyed_ends_with_its_lifetime_even_while_the_window_is_taken()
    {
        var pair = new Pair(moon: c => c with { Children = [c.Children[0] with { RekeyTime = TimeSpan.FromSeconds(60) }] }).Up();
        pair.World.Loses = (_, bytes) => bytes.Span[18] == 36;
        pair.World.Run(63);
        Assert.Single(pair.Moon.Installed);
        Assert.Equal(ChildState.Rekeying, pair.Moon.Session.Status(pair.World.Now).Children.Single().State);
        pair.World.Run(4);
        Assert.Empty(pair.Moon.Installed);
        Assert.Single(pair.Moon.Events.OfType<Event.ChildDown>());
        pair.World.Loses = (_, _) => false;
        pair.World.Run(60);
        // The question was out already, so the peer may answer it: a child comes up in the old one's place, and none beside it.
        Assert.Single(pair.Moon.Installed);
        Assert.Single(pair.Moon.ReqIds);
        Assert.Equal(pair.Moon.Installed.Values.Single().InboundSpi, pair.Sun.Installed.Values.Single().OutboundSpi);
    }

    [Fact]
    public void A_rekeyed_child_still_receives_for_a_while_and_sends_no_more()
    {
        var pair = new Pair();
        (pair.Moon.Settings, pair.Sun.Settings) = (new(), new());
        pair.Up();
        var old = (Moon: pair.Moon.Installed.Keys.Single(), Sun: pair.Sun.Installed.Keys.Single());
        RekeyChild(pair, pair.Moon);
        pair.World.Run(4.9);
        Assert.Equal((old.Moon, old.Sun), (pair.Moon.Receiving.Single(), pair.Sun.Receiving.Single()));
        Assert.Equal(2, pair.Moon.Installed.Count);
        Assert.Contains(old.Moon, pair.Moon.Session.InboundSpis);
        Assert.Single(pair.Moon.Session.Status(pair.World.Now).Children);
        pair.World.Run(0.5);
        Assert.DoesNotContain(old.Moon, pair.Moon.Installed.Keys);
        Assert.DoesNotContain(old.Sun, pair.Sun.Installed.Keys);
    }

    [Fact]
    public void The_end_of_the_IKE_SA_is_also_that_of_what_only_receives()
    {
        var pair = new Pair();
        (pair.Moon.Settings, pair.Sun.Settings) = (new(), new());
        pair.Up();
        RekeyChild(pair, pair.Moon);
        pair.World.Run(1);
        pair.Moon.Order((session, outbox) => session.TerminateIke(pair.World.Now, 3, force: false, outbox));
        pair.World.Run(1);
        Assert.Empty(pair.Moon.Installed);
        Assert.Empty(pair.Sun.Installed);
    }

    static void RekeyChild(Pair pair, Host host) =>
        host.Order((session, outbox) => session.RekeyChild(pair.World.Now, session.Status(pair.World.Now).Children.Single().UniqueId, 2, outbox));
}
