using Kuguru.Crypto;
using Kuguru.Ike;
using Kuguru.Ike.V2;
using Xunit;

namespace Kuguru.Tests.Ike.V2;

/// <summary>Postquantum pre-shared keys (RFC 8784): optional, required, wrong, missing.</summary>
public class PpkStories
{
    const string Right = "98c61dd0f8c7daf07759617546f7b3ae156f19a7bc935c61523c7ca998e5eedb";
    const string Wrong = "06918e49398db61094438a5be8b743894f155f4e8521e6bcd1d47690557e4b13";

    // connection of the initiator: has an id, required; what is said: supported, known                      expected
    [Theory]
    [InlineData(false, false, true, true, PpkUse.Without)]
    [InlineData(false, true, true, true, PpkUse.NotNamed)]
    [InlineData(true, false, false, true, PpkUse.Without)]
    [InlineData(true, true, false, true, PpkUse.NotSupported)]
    [InlineData(true, false, true, false, PpkUse.Without)]
    [InlineData(true, true, true, false, PpkUse.NotKnown)]
    [InlineData(true, false, true, true, PpkUse.With)]
    [InlineData(true, true, true, true, PpkUse.With)]
    public void An_initiator_uses_its_PPK_where_it_can_and_does_without_where_it_may(bool hasId, bool required, bool supported, bool known, object expected) =>
        Assert.Equal((PpkUse)expected, Ppk.Choose(Rule(hasId ? "ppk" : null, required), supported, known));

    // what a responder's ppk_id says, required; both say USE_PPK, the id that came, known, NO_PPK_AUTH is there         expected
    [Theory]
    [InlineData(null, false, false, null, false, false, PpkUse.Without)]
    [InlineData(null, true, false, null, false, false, PpkUse.NotSupported)]
    [InlineData(null, false, true, null, false, false, PpkUse.Without)]
    [InlineData(null, true, true, null, false, false, PpkUse.NotNamed)]
    [InlineData(null, false, true, "ppk-carol@example.org", true, true, PpkUse.With)]
    [InlineData("*@example.org", false, true, "ppk-carol@example.org", true, true, PpkUse.With)]
    [InlineData("*@example.com", false, true, "ppk-carol@example.org", true, true, PpkUse.OtherName)]
    [InlineData(null, false, true, "ppk-dave@example.org", false, true, PpkUse.Fallback)]
    [InlineData(null, false, true, "ppk-dave@example.org", false, false, PpkUse.NotKnown)]
    [InlineData(null, true, true, "ppk-dave@example.org", false, true, PpkUse.NotKnown)]
    public void A_responder_uses_the_PPK_that_is_named_or_does_without_where_both_may(
        string? id, bool required, bool supported, string? named, bool known, bool fallBack, object expected) =>
        Assert.Equal((PpkUse)expected, Ppk.Judge(Rule(id, required), supported, named is null ? null : Identity.Parse(named), known, fallBack));

    [Fact]
    public void A_PPK_is_announced_named_and_in_the_keys_of_the_IKE_SA_and_of_all_that_follow_it()
    {
        var pair = World(moonRequired: true, sunRequired: true);
        pair.Moon.Up(pair.Sun);
        pair.World.Run(1);
        Assert.Equal("""
            0.00 > IKE_SA_INIT request 0 { SA, KEi, Ni, N(NAT_DETECTION_SOURCE_IP), N(NAT_DETECTION_DESTINATION_IP), N(IKEV2_FRAGMENTATION_SUPPORTED), N(USE_PPK) }
            0.05 < IKE_SA_INIT response 0 { SA, KEr, Nr, N(NAT_DETECTION_SOURCE_IP), N(NAT_DETECTION_DESTINATION_IP), N(IKEV2_FRAGMENTATION_SUPPORTED), N(USE_PPK), N(CHILDLESS_IKEV2_SUPPORTED) }
            0.10 > IKE_AUTH request 1 { IDi, N(INITIAL_CONTACT), IDr, AUTH, N(PPK_IDENTITY), SA, TSi, TSr }
            0.15 < IKE_AUTH response 1 { IDr, AUTH, N(PPK_IDENTITY), SA, TSi, TSr }

            """, pair.World.Transcript);
        AssertUp(pair, usesPpk: true);

        pair.Moon.Order((session, outbox) => session.RekeyIke(pair.World.Now, 2, outbox));
        pair.World.Run(5);
        Assert.Null(pair.Moon.Outcome(2));
        Assert.True(pair.Moon.Session.Status(pair.World.Now).UsesPpk);
        Assert.True(pair.Sun.Session.Status(pair.World.Now).UsesPpk);
    }

    [Fact]
    public void Without_it_the_keys_are_others()
    {
        using var ppk = Secret.Copy(Convert.FromHexString(Right));
        using var key = Secret.Copy(new byte[32]);
        var prf = Prf.Of(PseudoRandomFunction.HmacSha2_256);
        using var mixed = KeyDerivation.MixPpk(prf, ppk, key);
        // prf+ of one block: HMAC(PPK, key | 0x01).
        Assert.Equal(System.Security.Cryptography.HMACSHA256.HashData(ppk.Span, [.. key.Span, 1]), mixed.Span.ToArray());
    }

    [Fact]
    public void A_PPK_that_only_one_end_has_is_done_without_where_both_may()
    {
        var pair = World(sunKey: null);
        pair.Sun.Keys.Add(Key("ppk-other", Right));
        pair.Moon.Up(pair.Sun);
        pair.World.Run(1);
        Assert.Contains("> IKE_AUTH request 1 { IDi, N(INITIAL_CONTACT), IDr, AUTH, N(PPK_IDENTITY), N(NO_PPK_AUTH), SA, TSi, TSr }", pair.World.Transcript, StringComparison.Ordinal);
        AssertUp(pair, usesPpk: false);
        Assert.Contains(pair.Sun.Events, one => one.Sentence == "no PPK for 'ppk-moon' found, ignored because PPK is not required: using NO_PPK_AUTH");
        Assert.Contains(pair.Moon.Events, one => one.Sentence == "peer didn't use PPK for PPK_ID 'ppk-moon'");
    }

    [Fact]
    public void A_responder_without_any_PPK_does_not_answer_to_USE_PPK()
    {
        var pair = World(sunKey: null);
        pair.Moon.Up(pair.Sun);
        pair.World.Run(1);
        Assert.DoesNotContain("PPK_IDENTITY", pair.World.Transcript, StringComparison.Ordinal);
        AssertUp(pair, usesPpk: false);
    }

    [Fact]
    public void A_wrong_PPK_is_a_wrong_key()
    {
        var pair = World(sunKey: Wrong);
        pair.Moon.Up(pair.Sun);
        pair.World.Run(1);
        Assert.Equal(FailureCode.AuthenticationFailed, pair.Moon.Outcome(1)!.Code);
        const string Doubt = ", or the PPK 'ppk-moon' is another at the two ends";
        Assert.EndsWith("but MAC mismatched: the secrets differ at the two ends" + Doubt, Assert.Single(pair.Sun.Failures), StringComparison.Ordinal);
        Assert.EndsWith(Doubt, pair.Moon.Outcome(1)!.Sentence, StringComparison.Ordinal);
        Assert.Empty(pair.Sun.Sessions);
    }

    /// <summary>Keys and certificates are right, and yet no signature is: the PPK is in what is signed.</summary>
    [Fact]
    public void With_certificates_a_wrong_PPK_is_told_as_what_may_be_wrong()
    {
        var root = Kuguru.Tests.Pki.Authority.Root();
        var pair = CertificateStories.Pair(root.Issue("moon.example.org"), root.Issue("sun.example.org"), c => c with { PpkId = Identity.Parse("ppk-moon") }, authority: root);
        pair.Moon.Keys.Add(Key("ppk-moon", Right));
        pair.Sun.Keys.Add(Key("ppk-moon", Wrong));
        pair.Moon.Up(pair.Sun);
        pair.World.Run(1);
        Assert.EndsWith("do not belong together, or the PPK 'ppk-moon' is another at the two ends", Assert.Single(pair.Sun.Failures), StringComparison.Ordinal);
        Assert.NotNull(pair.Moon.Outcome(1));
    }

    [Fact]
    public void Who_requires_a_PPK_is_not_talked_out_of_it()
    {
        var pair = World(moonRequired: true, sunKey: null);
        pair.Moon.Up(pair.Sun);
        pair.World.Run(1);
        Assert.Contains("connection 'gw' requires a PPK, but the peer does not use PPKs", pair.Moon.Outcome(1)!.Sentence, StringComparison.Ordinal);

        pair = World(moonKey: null, sunRequired: true);
        pair.Moon.Up(pair.Sun);
        pair.World.Run(1);
        Assert.Contains("connection 'gw' requires a PPK, but the initiator names none", Assert.Single(pair.Sun.Failures), StringComparison.Ordinal);
        Assert.Equal(FailureCode.AuthenticationFailed, pair.Moon.Outcome(1)!.Code);
    }

    [Fact]
    public void A_responder_that_forgets_to_use_it_is_refused_by_who_requires_it()
    {
        var pair = World(moonRequired: true);
        pair.Moon.Up(pair.Sun);
        pair.World.Run(0.12);
        // Sun has said USE_PPK; by the time of IKE_AUTH it has lost the key.
        pair.Sun.Keys.RemoveAll(key => key.Kind == SharedKeyKind.Ppk);
        pair.World.Run(2);
        Assert.NotNull(pair.Moon.Outcome(1));
        Assert.Contains("no PPK found for 'ppk-moon'", Assert.Single(pair.Sun.Failures), StringComparison.Ordinal);
        Assert.Empty(pair.Sun.Installed);
    }

    static Pair World(string? moonKey = Right, string? sunKey = Right, bool moonRequired = false, bool sunRequired = false)
    {
        var pair = new Pair(
            c => c with { PpkId = Identity.Parse("ppk-moon"), PpkRequired = moonRequired },
            c => c with { PpkRequired = sunRequired });
        if (moonKey is not null)
            pair.Moon.Keys.Add(Key("ppk-moon", moonKey));
        if (sunKey is not null)
            pair.Sun.Keys.Add(Key("ppk-moon", sunKey));
        return pair;
    }

    static PresharedKey Key(string id, string hex) =>
        new(id, Secret.Copy(Convert.FromHexString(hex)), [Identity.Parse(id)]) { Kind = SharedKeyKind.Ppk };

    static Connection Rule(string? id, bool required) =>
        Configs.Connection("moon", "sun") with { PpkId = id is null ? null : Identity.Parse(id), PpkRequired = required };

    static void AssertUp(Pair pair, bool usesPpk)
    {
        Assert.Null(pair.Moon.Outcome(1));
        Assert.Equal(usesPpk, pair.Moon.Session.Status(pair.World.Now).UsesPpk);
        Assert.Equal(usesPpk, pair.Sun.Session.Status(pair.World.Now).UsesPpk);
        Assert.Equal(pair.Moon.Installed.Values.Single().InboundSpi, pair.Sun.Installed.Values.Single().OutboundSpi);
    }
}
