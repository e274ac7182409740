using Kuguru.Crypto;
using Kuguru.Ike;
using Kuguru.Nat;
using Kuguru.Wire;
using Kuguru.Wire.V2;
using Xunit;

namespace Kuguru.Tests.Ike.V2;

/// <summary>AH in IKEv2: how it is agreed on, rekeyed and deleted, and how a NAT rules it out (RFC 4302, RFC 7296 section 3.3).</summary>
public sealed class AhStories
{
    const string WhyNot = "AH cannot pass the NAT in front of";

    [Theory]
    [InlineData("sha256", "AH:HMAC_SHA2_256_128/NO_EXT_SEQ")]
    [InlineData("sha512-esn", "AH:HMAC_SHA2_512_256/EXT_SEQ")]
    [InlineData("aesxcbc-x25519", "AH:AES_XCBC_96/NO_EXT_SEQ")]
    [InlineData("aescmac", "AH:AES_CMAC_96/NO_EXT_SEQ")]
    [InlineData("default", "AH:HMAC_SHA2_256_128/NO_EXT_SEQ")]
    public void Both_agree_and_their_keys_fit(string proposals, string suite)
    {
        var pair = Pair.Both(c => With(c, Configs.Ah(proposals))).Up();
        var (moon, sun) = (pair.Moon.Installed.Values.Single(), pair.Sun.Installed.Values.Single());
        Assert.Equal((suite, suite), ($"{moon.Suite}", $"{sun.Suite}"));
        Assert.Equal(ProtocolId.Ah, moon.Protocol);
        Assert.False(moon.UdpEncapsulated);
        Assert.Equal((moon.InboundSpi, moon.OutboundSpi), (sun.OutboundSpi, sun.InboundSpi));
        Assert.True(moon.InboundKeys.Integrity.Equals(sun.OutboundKeys.Integrity) && moon.OutboundKeys.Integrity.Equals(sun.InboundKeys.Integrity));
        Assert.Equal((0, moon.Suite.IntegrityKeyLength), (moon.InboundKeys.Encryption.Length, moon.InboundKeys.Integrity.Length));
    }

    [Fact]
    public void Of_both_protocols_the_responders_first_is_taken()
    {
        var both = Configs.Ah("sha256").AddRange(Configs.Esp("aes128gcm128"));
        var pair = new Pair(c => With(c, both), c => With(c, [.. Configs.Esp("aes128gcm128"), .. Configs.Ah("sha256")])).Up();
        Assert.Equal("ESP:AES_GCM_16_128/NO_EXT_SEQ", $"{pair.Moon.Installed.Values.Single().Suite}");
        pair = new Pair(c => With(c, both), c => With(c, Configs.Ah("sha256"))).Up();
        Assert.Equal("AH:HMAC_SHA2_256_128/NO_EXT_SEQ", $"{pair.Sun.Installed.Values.Single().Suite}");
    }

    [Fact]
    public void An_AH_only_end_and_an_ESP_only_end_have_nothing_in_common()
    {
        var pair = new Pair(c => With(c, Configs.Ah("sha256"))).Up();
        Assert.Equal("sending NO_PROPOSAL_CHOSEN to moon.example.org: no ESP proposal in common: offered is AH:HMAC_SHA2_256_128/NO_EXT_SEQ, we have "
            + "ESP:AES_GCM_16_128/CURVE_25519/NO_EXT_SEQ ('net'); add one of its to 'esp_proposals'", Assert.Single(pair.Sun.Failures));
        Assert.Contains("compare 'ah_proposals'", Assert.Single(pair.Moon.Failures), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void New_keys_and_the_end_are_said_of_protocol_AH(bool byMoon)
    {
        var pair = Pair.Both(c => With(c, Configs.Ah("sha256-x25519"))).Up();
        var (here, there) = byMoon ? (pair.Moon, pair.Sun) : (pair.Sun, pair.Moon);
        var before = here.Installed.Keys.Single();
        var child = here.Session.Status(pair.World.Now).Children.Single().UniqueId;
        here.Order((session, outbox) => session.RekeyChild(pair.World.Now, child, 2, outbox));
        pair.World.Run(5);
        Assert.Null(here.Outcome(2));
        Assert.NotEqual(before, here.Installed.Keys.Single());
        Assert.Equal(ProtocolId.Ah, here.Installed.Values.Single().Protocol);
        Assert.Single(there.Installed);
        child = here.Session.Status(pair.World.Now).Children.Single().UniqueId;
        here.Order((session, outbox) => session.TerminateChild(pair.World.Now, child, 3, force: false, outbox));
        pair.World.Run(5);
        Assert.Empty(here.Installed);
        Assert.Empty(there.Installed);
    }

    [Theory]
    [InlineData(true, false, "us")]
    [InlineData(false, true, "203.0.113.2")]
    public void With_a_NAT_in_the_way_it_is_not_asked_for_and_both_ends_say_why(bool moonNat, bool sunNat, string where)
    {
        var pair = new Pair(c => With(c, Configs.Ah("sha256")), c => With(c, Configs.Ah("sha256")),
            moonNat ? new Napt("203.0.113.1") : null, sunNat ? new Napt("203.0.113.2") : null).Up();
        Assert.StartsWith($"child 'net' could not be set up: {WhyNot} {where}: its integrity check", Assert.Single(pair.Moon.Failures), StringComparison.Ordinal);
        Assert.Equal(FailureCode.NoProposalChosen, pair.Moon.Outcome(1)!.Code);
        Assert.Contains(pair.Sun.Events.OfType<Event.Note>(), note => note.Severity == Severity.Warning && note.Text.StartsWith(WhyNot, StringComparison.Ordinal));
        Assert.Empty(pair.Moon.Sessions);
        Assert.Empty(pair.Sun.Installed);
    }

    [Fact]
    public void A_peer_that_asks_for_it_all_the_same_is_refused_by_name()
    {
        // As a peer does that knows nothing of the problem: what it learns of the NAT is taken out of the answer.
        var pair = Pair.Both(c => With(c, Configs.Ah("sha256")), new Napt("203.0.113.1"));
        var verdict = new NatVerdict(true, false, true, false, false);
        var offer = Kuguru.Ike.V2.Proposals.Offer(Configs.Ah("sha256"), new Spi(0x12345678).ToBlob(), keyExchange: false);
        var scope = Kuguru.Ike.Scope.Of(pair.Sun.Connections[0].Children[0], new([IpAddress.Parse("192.0.2.2")], [IpAddress.Parse("203.0.113.1")])
        {
            Hosts = new(IpAddress.Parse("192.0.2.2"), IpAddress.Parse("203.0.113.1"), verdict),
        });
        var request = new IkeMessage(new(1), new(2), ExchangeType.CreateChildSa, IkeFlags.Initiator, new(1),
        [
            offer,
            new Payload.TSi([Selector("10.1.0.0/16")]),
            new Payload.TSr([Selector("10.2.0.0/16")]),
        ]);
        var judgement = Kuguru.Ike.V2.ChildNegotiation.Judge([scope], new(default, new(IpAddress.Parse("203.0.113.1"), 4500)), request, keyExchange: false);
        Assert.Equal(NotifyType.NoProposalChosen, judgement.Refusal);
        Assert.StartsWith($"{WhyNot} 203.0.113.1: ", judgement.Why, StringComparison.Ordinal);
    }

    [Fact]
    public void With_ESP_as_the_second_choice_a_NAT_makes_it_ESP()
    {
        var both = Configs.Ah("sha256").AddRange(Configs.Esp("aes128gcm128"));
        var pair = Pair.Both(c => With(c, both), new Napt("203.0.113.1")).Up();
        Assert.Equal("ESP:AES_GCM_16_128/NO_EXT_SEQ", $"{pair.Moon.Installed.Values.Single().Suite}");
        Assert.True(pair.Moon.Installed.Values.Single().UdpEncapsulated);
    }

    [Fact]
    public void An_SA_that_moves_behind_a_NAT_ends_and_says_why()
    {
        var pair = Pair.Both(c => With(c, Configs.Ah("sha256")) with { Mobike = true }).Up();
        Assert.Single(pair.Moon.Installed);
        MoveBehind(pair, new Napt("203.0.113.9"));
        pair.World.Run(10);
        Assert.Contains(pair.Moon.Failures, sentence => sentence.StartsWith("CHILD_SA net{1} ends: " + WhyNot, StringComparison.Ordinal));
        Assert.Contains(pair.Sun.Failures, sentence => sentence.StartsWith("CHILD_SA net{1} ends: " + WhyNot, StringComparison.Ordinal));
        Assert.Empty(pair.Moon.Installed);
        Assert.Empty(pair.Sun.Installed);
        Assert.Equal(IkeState.Established, pair.Moon.Session.State);
    }

    [Fact]
    public void IKE_itself_may_be_protected_by_MACs_of_AES()
    {
        foreach (var proposal in (string[])["aes128-aesxcbc-x25519", "aes256-aescmac-prfaescmac-x25519"])
        {
            var pair = Pair.Both(c => c with { Proposals = Configs.Ike(proposal) }).Up();
            Assert.Single(pair.Moon.Installed);
            pair.Moon.Order((session, outbox) => session.RekeyIke(pair.World.Now, 2, outbox));
            pair.World.Run(5);
            Assert.Null(pair.Moon.Outcome(2));
        }
    }

    static TrafficSelector.AddressRange Selector(string prefix)
    {
        var range = Configs.Prefix(prefix);
        return new(IpProtocol.Any, 0, 65535, range.First, range.Last);
    }

    static void MoveBehind(Pair pair, Napt nat)
    {
        pair.Moon.Address = IpAddress.Parse("10.1.0.10");
        pair.Moon.LocalAddresses = [pair.Moon.Address];
        pair.Moon.Nat = nat;
        pair.Moon.Order((session, outbox) => session.NetworkChanged(pair.World.Now, false, outbox));
        pair.Moon.Order((session, outbox) => session.PathsFound(pair.World.Now, new(false, [new(new(pair.Moon.Address, 0), new(pair.Sun.Address, 0))]), outbox));
    }

    static Connection With(Connection connection, System.Collections.Immutable.ImmutableArray<AlgorithmSet> proposals) =>
        connection with { Children = [connection.Children[0] with { Proposals = proposals }] };
}
