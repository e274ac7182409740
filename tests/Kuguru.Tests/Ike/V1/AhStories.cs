using System.Collections.Immutable;
using Kuguru.Crypto;
using Kuguru.Ike;
using Kuguru.Wire;
using Xunit;

namespace Kuguru.Tests.Ike.V1;

/// <summary>AH in IKEv1 (RFC 2407 section 4.4.3): how it is agreed on, rekeyed and deleted, and how a NAT rules it out.</summary>
public sealed class AhStories
{
    const string WhyNot = "AH cannot pass the NAT in front of";

    [Theory]
    [InlineData("sha256", "AH:HMAC_SHA2_256_128/NO_EXT_SEQ")]
    [InlineData("sha1", "AH:HMAC_SHA1_96/NO_EXT_SEQ")]
    [InlineData("sha384-sha512", "AH:HMAC_SHA2_384_192/NO_EXT_SEQ")]
    [InlineData("aesxcbc-x25519-esn", "AH:AES_XCBC_96/EXT_SEQ")]
    public void Both_agree_and_their_keys_fit(string proposals, string suite)
    {
        var pair = Two(Configs.Ah(proposals)).Up();
        var (moon, sun) = (pair.Moon.Installed.Values.Single(), pair.Sun.Installed.Values.Single());
        Assert.Equal((suite, suite), ($"{moon.Suite}", $"{sun.Suite}"));
        Assert.Equal((moon.InboundSpi, moon.OutboundSpi), (sun.OutboundSpi, sun.InboundSpi));
        Assert.True(moon.InboundKeys.Integrity.Equals(sun.OutboundKeys.Integrity) && moon.OutboundKeys.Integrity.Equals(sun.InboundKeys.Integrity));
    }

    [Fact]
    public void In_transport_mode_too()
    {
        var pair = Pair.Both(c => c with
        {
            Version = 1,
            Children = [Configs.Child("net", "dynamic", "dynamic") with { Proposals = Configs.Ah("sha256"), Mode = ChildMode.Transport }],
        }).Up();
        Assert.All([pair.Moon, pair.Sun], host => Assert.Equal((ChildMode.Transport, ProtocolId.Ah), (host.Installed.Values.Single().Mode, host.Installed.Values.Single().Protocol)));
    }

    [Fact]
    public void Of_both_protocols_the_responders_first_is_taken()
    {
        var pair = Two([.. Configs.Ah("sha256"), .. Configs.Esp("aes128gcm128")], [.. Configs.Esp("aes128gcm128"), .. Configs.Ah("sha256")]).Up();
        Assert.Equal("ESP:AES_GCM_16_128/NO_EXT_SEQ", $"{pair.Moon.Installed.Values.Single().Suite}");
        pair = Two([.. Configs.Esp("aes128gcm128"), .. Configs.Ah("sha256")], Configs.Ah("sha256")).Up();
        Assert.Equal("AH:HMAC_SHA2_256_128/NO_EXT_SEQ", $"{pair.Moon.Installed.Values.Single().Suite}");
    }

    [Fact]
    public void What_has_no_number_in_IKEv1_is_not_offered()
    {
        var pair = Two(Configs.Ah("aescmac")).Up();
        Assert.Contains("IKEv1 has no number for any of its esp_proposals or ah_proposals", Assert.Single(pair.Moon.Failures), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void New_keys_and_the_end_are_said_of_protocol_AH(bool byMoon)
    {
        var pair = Two(Configs.Ah("sha256")).Up();
        var (here, there) = byMoon ? (pair.Moon, pair.Sun) : (pair.Sun, pair.Moon);
        var child = here.V1.Status(pair.World.Now).Children.Single().UniqueId;
        here.Order((session, outbox) => session.RekeyChild(pair.World.Now, child, 2, outbox));
        pair.World.Run(5);
        Assert.Null(here.Outcome(2));
        child = here.V1.Status(pair.World.Now).Children.Single(one => one.State == ChildState.Installed).UniqueId;
        here.Order((session, outbox) => session.TerminateChild(pair.World.Now, child, 3, force: false, outbox));
        pair.World.Run(5);
        Assert.Contains(there.Events.OfType<Event.Note>(), note => note.Text.StartsWith("received DELETE for AH CHILD_SA with SPI ", StringComparison.Ordinal));
        Assert.DoesNotContain(there.V1.Status(pair.World.Now).Children, one => one.State == ChildState.Installed);
    }

    [Theory]
    [InlineData(true, false, "us")]
    [InlineData(false, true, "203.0.113.2")]
    public void With_a_NAT_in_the_way_it_is_not_asked_for_and_both_ends_say_why(bool moonNat, bool sunNat, string where)
    {
        Connection Change(Connection c) => With(c, Configs.Ah("sha256"));
        var pair = new Pair(Change, Change, moonNat ? new Napt("203.0.113.1") : null, sunNat ? new Napt("203.0.113.2") : null).Up();
        Assert.StartsWith($"child 'net' could not be set up: {WhyNot} {where}: its integrity check", Assert.Single(pair.Moon.Failures), StringComparison.Ordinal);
        Assert.Equal(FailureCode.NoProposalChosen, pair.Moon.Outcome(1)!.Code);
        Assert.Contains(pair.Sun.Events.OfType<Event.Note>(), note => note.Severity == Severity.Warning && note.Text.StartsWith(WhyNot, StringComparison.Ordinal));
        Assert.Empty(pair.Moon.Installed);
        Assert.Empty(pair.Sun.Installed);
    }

    [Fact]
    public void A_peer_whose_message_was_not_looked_at_for_a_NAT_is_refused_by_name()
    {
        // Moon forbids encapsulation and so knows nothing of the NAT; but there is none to be seen for sun either, since moon says nothing of its address.
        var pair = new Pair(c => With(c, Configs.Ah("sha256")) with { Encapsulation = Encapsulation.Never }, c => With(c, Configs.Ah("sha256")), new Napt("203.0.113.1")).Up();
        Assert.Equal("unsupported", $"{pair.Sun.V1.Nat}");
        Assert.All([pair.Moon, pair.Sun], host => Assert.True(host.Installed.Values.Single().RisksNat));
    }

    static Pair Two(ImmutableArray<AlgorithmSet> moon, ImmutableArray<AlgorithmSet>? sun = null) => new(c => With(c, moon), c => With(c, sun ?? moon));

    static Connection With(Connection connection, ImmutableArray<AlgorithmSet> proposals) =>
        connection with { Version = 1, Children = [connection.Children[0] with { Proposals = proposals }] };
}
