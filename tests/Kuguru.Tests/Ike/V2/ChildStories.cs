using Kuguru.Crypto;
using Kuguru.Ike;
using Kuguru.Wire;
using Kuguru.Wire.V2;
using Xunit;

namespace Kuguru.Tests.Ike.V2;

/// <summary>Children come, are refused, and go.</summary>
public class ChildStories
{
    [Fact]
    public void The_second_child_of_a_connection_follows_by_CREATE_CHILD_SA_with_its_own_key_exchange()
    {
        var pair = Two();
        pair.Moon.Up(pair.Sun);
        pair.Moon.Order((session, outbox) => session.RequestChild(pair.World.Now, pair.Moon.Connections[0].Children[1], 2, outbox));
        pair.World.Run(1);
        Assert.EndsWith("""
            0.20 > CREATE_CHILD_SA request 2 { SA, Ni, KEi, TSi, TSr }
            0.25 < CREATE_CHILD_SA response 2 { SA, Nr, KEr, TSi, TSr }

            """, pair.World.Transcript, StringComparison.Ordinal);
        Assert.Null(pair.Moon.Outcome(2));
        var (moon, sun) = (pair.Moon.Installed.Values.Single(sa => sa.Config.Name == "more"), pair.Sun.Installed.Values.Single(sa => sa.Config.Name == "more"));
        Assert.Equal((moon.InboundKeys, moon.OutboundKeys), (sun.OutboundKeys, sun.InboundKeys));
        Assert.Equal((KeyExchangeMethod.Ecp256, KeyExchangeMethod.Ecp256), (moon.KeyExchange, sun.KeyExchange));
        Assert.Equal("10.5.0.0/16", $"{moon.LocalSelectors.Single()}");
    }

    [Fact]
    public void The_group_of_a_child_is_changed_as_well()
    {
        var pair = new Pair().Up();
        pair.Sun.Connections[0] = pair.Sun.Connections[0] with { Children = [Configs.Child("more", "10.6.0.0/16", "10.5.0.0/16", "aes128-sha256-x25519")] };
        Replace(pair);
        pair.Moon.Order((session, outbox) => session.RequestChild(pair.World.Now, Configs.Child("more", "10.5.0.0/16", "10.6.0.0/16", "aes128-sha256-ecp256-x25519"), 2, outbox));
        pair.World.Run(1);
        Assert.Null(pair.Moon.Outcome(2));
        Assert.Contains("< CREATE_CHILD_SA response 2 { N(INVALID_KE_PAYLOAD) }\n", pair.World.Transcript, StringComparison.Ordinal);
        Assert.Equal("ESP:AES_CBC_128/HMAC_SHA2_256_128/NO_EXT_SEQ", $"{pair.Moon.Session.Status(pair.World.Now).Children[^1].Suite}");
    }

    [Theory]
    [InlineData("aes256gcm16-esn")]
    [InlineData("chacha20poly1305-noesn")]
    [InlineData("aes128-sha256-esn-noesn")]
    [InlineData("aes192ctr-sha512")]
    [InlineData("default")]
    public void Suites_and_sequence_numbers_are_negotiated(string proposals)
    {
        var pair = Pair.Both(c => c with { Children = [c.Children[0] with { Proposals = Configs.Esp(proposals) }] }).Up();
        var (moon, sun) = (pair.Moon.Installed.Values.Single(), pair.Sun.Installed.Values.Single());
        Assert.Equal(moon.Suite, sun.Suite);
        Assert.Equal(proposals.Contains("-esn", StringComparison.Ordinal), moon.Suite.IsEsn);
    }

    [Fact]
    public void No_common_ESP_proposal_leaves_the_IKE_SA_up_and_both_ends_say_what_they_have()
    {
        var pair = new Pair(moon: c => c with { Children = [c.Children[0] with { Proposals = Configs.Esp("chacha20poly1305") }] });
        pair.Moon.Up(pair.Sun);
        pair.World.Run(1);
        Assert.EndsWith("{ IDr, AUTH, N(NO_PROPOSAL_CHOSEN) }\n", pair.World.Transcript, StringComparison.Ordinal);
        Assert.Equal(FailureCode.NoProposalChosen, pair.Moon.Outcome(1)!.Code);
        Assert.Contains("ESP:CHACHA20_POLY1305", pair.Moon.Outcome(1)!.Sentence, StringComparison.Ordinal);
        Assert.Contains("offered is CHACHA20_POLY1305", Assert.Single(pair.Sun.Failures), StringComparison.Ordinal);
        Assert.Equal((IkeState.Established, IkeState.Established), (pair.Moon.Session.State, pair.Sun.Session.State));
    }

    [Fact]
    public void Selectors_without_anything_in_common_are_refused_and_listed()
    {
        var pair = new Pair(moon: c => c with { Children = [Configs.Child("net", "10.77.0.0/16", "10.2.0.0/16")] });
        pair.Moon.Up(pair.Sun);
        pair.World.Run(1);
        Assert.Contains("{ IDr, AUTH, N(TS_UNACCEPTABLE) }", pair.World.Transcript, StringComparison.Ordinal);
        Assert.Equal(FailureCode.TrafficSelectorsUnacceptable, pair.Moon.Outcome(1)!.Code);
        Assert.Contains("10.77.0.0/16 === 10.2.0.0/16", pair.Moon.Outcome(1)!.Sentence, StringComparison.Ordinal);
        Assert.Contains("we have 10.2.0.0/16 === 10.1.0.0/16 ('net')", Assert.Single(pair.Sun.Failures), StringComparison.Ordinal);
    }

    [Fact]
    public void A_wide_wish_is_narrowed_at_both_ends_alike()
    {
        var pair = new Pair(moon: c => c with { Children = [Configs.Child("net", "10.1.0.0/16", "0.0.0.0/0")] }).Up();
        Assert.Equal("10.2.0.0/16", $"{pair.Moon.Installed.Values.Single().RemoteSelectors.Single()}");
        Assert.Equal("10.2.0.0/16", $"{pair.Sun.Installed.Values.Single().LocalSelectors.Single()}");
    }

    [Fact]
    public void Of_several_children_the_one_that_fits_exactly_is_taken()
    {
        var pair = new Pair(
            moon: c => c with { Children = [Configs.Child("net", "10.1.7.0/24", "10.2.7.0/24")] },
            sun: c => c with { Children = [Configs.Child("all", "10.2.7.0/25", "0.0.0.0/0"), Configs.Child("seven", "10.2.7.0/24", "10.1.7.0/24"), Configs.Child("narrow", "10.2.7.7/32", "10.1.7.0/24")] }).Up();
        Assert.Equal("seven", pair.Sun.Installed.Values.Single().Config.Name);
    }

    [Fact]
    public void An_answer_wider_than_the_question_is_cut_to_the_question()
    {
        // Moon knows 10.2.0.0/16 only; an answer with more would be a peer's bug or worse.
        var judgement = Kuguru.Ike.V2.ChildNegotiation.Conclude(Kuguru.Ike.Scope.Of(Configs.Child("net", "10.1.0.0/16", "10.2.0.0/16"), default),
            Response("0.0.0.0/0", "0.0.0.0/0"), keyExchange: false);
        Assert.Equal("10.1.0.0/16 === 10.2.0.0/16", $"{judgement.Agreement!.Local.Single()} === {judgement.Agreement.Remote.Single()}");
    }

    [Fact]
    public void Transport_mode_is_answered_with_tunnel_mode()
    {
        var judgement = Kuguru.Ike.V2.ChildNegotiation.Judge([Kuguru.Ike.Scope.Of(Configs.Child("net", "10.1.0.0/16", "10.2.0.0/16"), default)], default,
            Response("10.2.0.0/16", "10.1.0.0/16") with { Payloads = [.. Response("10.2.0.0/16", "10.1.0.0/16").Payloads, new Payload.Notify(NotifyType.UseTransportMode)] }, keyExchange: false);
        Assert.NotNull(judgement.Agreement);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Either_side_deletes_a_child_and_the_IKE_SA_stays(bool byMoon)
    {
        var pair = new Pair().Up();
        var (one, other) = byMoon ? (pair.Moon, pair.Sun) : (pair.Sun, pair.Moon);
        var child = one.Session.Status(pair.World.Now).Children.Single().UniqueId;
        one.Order((session, outbox) => session.TerminateChild(pair.World.Now, child, 2, force: false, outbox));
        Assert.Equal(ChildState.Deleting, one.Session.Status(pair.World.Now).Children.Single().State);
        pair.World.Run(1);
        Assert.Contains("INFORMATIONAL request " + (byMoon ? 2 : 0) + " { D }", pair.World.Transcript, StringComparison.Ordinal);
        Assert.Contains("INFORMATIONAL response " + (byMoon ? 2 : 0) + " { D }", pair.World.Transcript, StringComparison.Ordinal);
        Assert.Null(one.Outcome(2));
        Assert.Empty(one.Installed);
        Assert.Empty(other.Installed);
        Assert.Empty(other.ReqIds);
        Assert.Single(other.Events.OfType<Event.ChildDown>());
        Assert.Equal((IkeState.Established, IkeState.Established), (one.Session.State, other.Session.State));
    }

    [Fact]
    public void Both_delete_the_same_child_at_once_and_nobody_answers_with_a_Delete()
    {
        var pair = new Pair().Up();
        foreach (var host in (Host[])[pair.Moon, pair.Sun])
            host.Order((session, outbox) => session.TerminateChild(pair.World.Now, session.Status(pair.World.Now).Children.Single().UniqueId, 2, force: false, outbox));
        pair.World.Run(1);
        Assert.Equal("""
            2.00 > INFORMATIONAL request 2 { D }
            2.00 < INFORMATIONAL request 0 { D }
            2.05 < INFORMATIONAL response 2 { }
            2.05 > INFORMATIONAL response 0 { }

            """, pair.World.Transcript);
        Assert.Empty(pair.Moon.Installed);
        Assert.Empty(pair.Sun.Installed);
        Assert.Null(pair.Moon.Outcome(2));
        Assert.Null(pair.Sun.Outcome(2));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Either_side_deletes_the_IKE_SA_with_its_children(bool byMoon)
    {
        var pair = Two().Up();
        var (one, other) = byMoon ? (pair.Moon, pair.Sun) : (pair.Sun, pair.Moon);
        one.Order((session, outbox) => session.TerminateIke(pair.World.Now, 2, force: false, outbox));
        Assert.Equal(IkeState.Deleting, one.Session.Status(pair.World.Now).State);
        pair.World.Run(1);
        Assert.Null(one.Outcome(2));
        Assert.Empty(one.Sessions);
        Assert.Empty(other.Sessions);
        Assert.Empty(other.Installed);
        Assert.Equal("by order", Assert.Single(one.Events.OfType<Event.IkeDown>()).Why);
        Assert.Equal("deleted by the peer", Assert.Single(other.Events.OfType<Event.IkeDown>()).Why);
    }

    [Fact]
    public void Both_delete_the_IKE_SA_at_once()
    {
        var pair = new Pair().Up();
        foreach (var host in (Host[])[pair.Moon, pair.Sun])
            host.Order((session, outbox) => session.TerminateIke(pair.World.Now, 2, force: false, outbox));
        pair.World.Run(1);
        Assert.Empty(pair.Moon.Sessions);
        Assert.Empty(pair.Sun.Sessions);
        Assert.Null(pair.Moon.Outcome(2));
        Assert.Null(pair.Sun.Outcome(2));
        Assert.Single(pair.Moon.Events.OfType<Event.IkeDown>());
        Assert.Single(pair.Sun.Events.OfType<Event.IkeDown>());
    }

    [Fact]
    public void By_force_it_is_over_at_once_and_the_peer_is_told_once()
    {
        var pair = new Pair().Up();
        pair.Moon.Order((session, outbox) => session.TerminateIke(pair.World.Now, 2, force: true, outbox));
        Assert.Empty(pair.Moon.Sessions);
        Assert.Empty(pair.Moon.Installed);
        Assert.Null(pair.Moon.Outcome(2));
        pair.World.Run(1);
        Assert.Empty(pair.Sun.Sessions);
    }

    [Fact]
    public void A_peer_that_is_gone_cannot_hold_up_an_end()
    {
        var pair = new Pair().Up();
        pair.World.Loses = (_, _) => true;
        pair.Moon.Order((session, outbox) => session.TerminateIke(pair.World.Now, 2, force: false, outbox));
        pair.World.Run(170);
        Assert.Empty(pair.Moon.Sessions);
        Assert.Empty(pair.Moon.Installed);
        Assert.Null(pair.Moon.Outcome(2));
    }

    [Fact]
    public void The_close_action_comes_with_the_event_only_when_the_peer_closes()
    {
        var pair = Pair.Both(c => c with { Children = [c.Children[0] with { CloseAction = CloseAction.Start, DpdAction = CloseAction.Trap }] }).Up();
        pair.Moon.Order((session, outbox) => session.TerminateChild(pair.World.Now, session.Status(pair.World.Now).Children.Single().UniqueId, 2, force: false, outbox));
        pair.World.Run(1);
        Assert.Equal(CloseAction.Clear, pair.Moon.Events.OfType<Event.ChildDown>().Single().Next);
        Assert.Equal(CloseAction.Start, pair.Sun.Events.OfType<Event.ChildDown>().Single().Next);
    }

    [Fact]
    public void An_IKE_SA_without_a_child_is_taken()
    {
        var pair = new Pair();
        pair.Moon.Start(pair.Sun);
        pair.World.Run(1);
        Assert.EndsWith("""
            0.10 > IKE_AUTH request 1 { IDi, N(INITIAL_CONTACT), IDr, AUTH }
            0.15 < IKE_AUTH response 1 { IDr, AUTH }

            """, pair.World.Transcript, StringComparison.Ordinal);
        Assert.Equal((IkeState.Established, IkeState.Established), (pair.Moon.Session.State, pair.Sun.Session.State));
    }

    static Pair Two() => new(
        moon: c => c with { Children = [.. c.Children, Configs.Child("more", "10.5.0.0/16", "10.6.0.0/16", "aes128gcm128-ecp256")] },
        sun: c => c with { Children = [.. c.Children, Configs.Child("more", "10.6.0.0/16", "10.5.0.0/16", "aes128gcm128-ecp256")] });

    /// <summary>Sun forgets its tunnel and knows its connection anew.</summary>
    static void Replace(Pair pair)
    {
        pair.Moon.Order((session, outbox) => session.TerminateIke(pair.World.Now, 9, force: true, outbox));
        pair.World.Run(1);
        pair.Moon.Start(pair.Sun);
        pair.World.Run(1);
        pair.World.Forget();
    }

    static IkeMessage Response(string tsi, string tsr) => new(default, default, ExchangeType.IkeAuth, IkeFlags.Response, default,
    [
        Kuguru.Ike.V2.Proposals.Offer(Configs.Esp("aes128gcm128"), new Spi(0x12345678).ToBlob(), keyExchange: false),
        new Payload.TSi([Selector(tsi)]), new Payload.TSr([Selector(tsr)]),
    ]);

    static TrafficSelector Selector(string prefix)
    {
        var range = Configs.Prefix(prefix);
        return new TrafficSelector.AddressRange(IpProtocol.Any, 0, 65535, range.First, range.Last);
    }
}
