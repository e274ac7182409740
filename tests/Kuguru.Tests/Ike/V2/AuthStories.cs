using Kuguru.Crypto;
using Kuguru.Ike;
using Kuguru.Wire;
using Kuguru.Wire.V2;
using Xunit;

namespace Kuguru.Tests.Ike.V2;

/// <summary>IKE_AUTH: who is who, by which key, and what is said when it does not fit.</summary>
public class AuthStories
{
    [Fact]
    public void A_wrong_secret_is_named_at_both_ends_in_charons_words()
    {
        var pair = new Pair();
        pair.Moon.Keys[0] = Configs.Key("another secret", "sun.example.org");
        pair.Moon.Up(pair.Sun);
        pair.World.Run(1);
        Assert.EndsWith("< IKE_AUTH response 1 { N(AUTHENTICATION_FAILED) }\n", pair.World.Transcript, StringComparison.Ordinal);
        Assert.Contains("tried 1 shared key for 'sun.example.org' - 'moon.example.org', but MAC mismatched", Assert.Single(pair.Sun.Failures), StringComparison.Ordinal);
        Assert.Equal(FailureCode.AuthenticationFailed, pair.Moon.Outcome(1)!.Code);
        Assert.Contains("received AUTHENTICATION_FAILED notify error", pair.Moon.Outcome(1)!.Sentence, StringComparison.Ordinal);
        Assert.Empty(pair.Moon.Sessions);
        Assert.Empty(pair.Sun.Sessions);
        Assert.Empty(pair.Sun.Installed);
    }

    [Fact]
    public void Every_key_that_fits_is_tried()
    {
        var pair = new Pair();
        pair.Sun.Keys.InsertRange(0, [Configs.Key("one", "moon.example.org"), Configs.Key("two", "sun.example.org"), Configs.Key("three")]);
        pair.Moon.Up(pair.Sun);
        pair.World.Run(1);
        Assert.Null(pair.Moon.Outcome(1));

        pair.Sun.Keys.RemoveAt(3);
        pair.Moon.Up(pair.Sun, token: 2);
        pair.World.Run(1);
        Assert.Contains("tried 3 shared keys", Assert.Single(pair.Sun.Failures), StringComparison.Ordinal);
    }

    [Fact]
    public void A_responder_with_the_wrong_secret_is_told_so_and_both_ends_are_down()
    {
        var pair = new Pair();
        pair.Moon.Up(pair.Sun);
        pair.World.Run(0.12);
        // Moon has sent IKE_AUTH with the good key; before the answer comes, its own idea of the key changes.
        pair.Moon.Keys[0] = Configs.Key("another secret", "sun.example.org");
        pair.World.Run(2);
        Assert.Contains("0.20 > INFORMATIONAL request 2 { N(AUTHENTICATION_FAILED) }\n0.25 < INFORMATIONAL response 2 { }\n", pair.World.Transcript, StringComparison.Ordinal);
        Assert.Contains("but MAC mismatched", pair.Moon.Outcome(1)!.Sentence, StringComparison.Ordinal);
        Assert.Empty(pair.Moon.Sessions);
        Assert.Empty(pair.Sun.Sessions);
        Assert.Empty(pair.Sun.Installed);
        Assert.Empty(pair.Sun.ReqIds);
    }

    [Theory]
    [InlineData("192.0.2.1")]
    [InlineData("2001:db8::7")]
    [InlineData("moon.example.org")]
    [InlineData("moon@example.org")]
    [InlineData("@#0102ff")]
    [InlineData("keyid:some key")]
    public void An_identity_of_any_kind_does(string id)
    {
        var pair = new Pair(moon: c => c with { Local = [new() { Id = Identity.Parse(id) }] }, sun: c => c with { Remote = [new() { Id = Identity.Parse(id) }] });
        pair.Sun.Keys[0] = Configs.Key("secret", id);
        pair.Moon.Up(pair.Sun);
        pair.World.Run(1);
        Assert.Null(pair.Moon.Outcome(1));
        Assert.Equal(Identity.Parse(id), pair.Sun.Session.RemoteId);
    }

    [Fact]
    public void Without_configured_identities_addresses_are_the_identities_and_IDr_is_left_out()
    {
        var pair = Pair.Both(c => c with { Local = [new()], Remote = [new()] });
        pair.Moon.Keys[0] = Configs.Key("secret");
        pair.Sun.Keys[0] = Configs.Key("secret");
        pair.Moon.Up(pair.Sun);
        pair.World.Run(1);
        Assert.Null(pair.Moon.Outcome(1));
        Assert.Contains("IKE_AUTH request 1 { IDi, AUTH, SA, TSi, TSr }", pair.World.Transcript, StringComparison.Ordinal);
        Assert.Equal(("192.0.2.1", "192.0.2.2"), ($"{pair.Moon.Session.LocalId}", $"{pair.Moon.Session.RemoteId}"));
        Assert.Equal(("192.0.2.2", "192.0.2.1"), ($"{pair.Sun.Session.LocalId}", $"{pair.Sun.Session.RemoteId}"));
    }

    [Fact]
    public void A_responder_without_an_identity_takes_the_one_that_it_is_asked_for()
    {
        var pair = new Pair(sun: c => c with { Local = [new()] });
        pair.Moon.Up(pair.Sun);
        pair.World.Run(1);
        Assert.Null(pair.Moon.Outcome(1));
        Assert.Equal("sun.example.org", $"{pair.Sun.Session.LocalId}");
    }

    [Fact]
    public void An_unknown_peer_learns_nothing_and_the_responder_says_whom_it_knows()
    {
        var pair = new Pair(moon: c => c with { Local = [new() { Id = Identity.Parse("mars.example.org") }] });
        pair.Moon.Up(pair.Sun);
        pair.World.Run(1);
        Assert.EndsWith("{ N(AUTHENTICATION_FAILED) }\n", pair.World.Transcript, StringComparison.Ordinal);
        var sentence = Assert.Single(pair.Sun.Failures);
        Assert.Contains("no connection fits 'mars.example.org' (domain name)", sentence, StringComparison.Ordinal);
        Assert.Contains("'gw' for 'moon.example.org' (domain name)", sentence, StringComparison.Ordinal);
    }

    [Fact]
    public void Behind_a_NAT_the_private_address_as_identity_is_explained_at_both_ends()
    {
        var pair = new Pair(moon: c => c with { Local = [new()] }, nat: new("203.0.113.9"));
        pair.Moon.Up(pair.Sun);
        pair.World.Run(1);
        Assert.Contains("no connection fits '10.1.0.10' (IPv4 address)", Assert.Single(pair.Sun.Failures), StringComparison.Ordinal);
        Assert.Contains("this is its private address behind a NAT: set 'id'", Assert.Single(pair.Sun.Failures), StringComparison.Ordinal);
        Assert.Contains("'10.1.0.10' is our private address behind a NAT, which the peer may not expect: set 'id'", pair.Moon.Outcome(1)!.Sentence, StringComparison.Ordinal);
    }

    /// <summary>The address that the gateway sees has a secret, or the name that it should have; the one that it says has none, or another.</summary>
    [Theory]
    [InlineData("203.0.113.9", "no shared key found for 'sun.example.org' (domain name) - '10.1.0.10' (IPv4 address)")]
    [InlineData(null, "tried 1 shared key for 'sun.example.org' - '10.1.0.10', but MAC mismatched")]
    public void Behind_a_NAT_the_private_address_is_the_reason_why_a_secret_does_not_fit(string? owner, string what)
    {
        var pair = new Pair(moon: c => c with { Local = [new()] }, sun: c => c with { Remote = [new()] }, nat: new("203.0.113.9"));
        pair.Sun.Keys[0] = owner is null ? Configs.Key("another secret") : Configs.Key("secret", owner);
        pair.Moon.Up(pair.Sun);
        pair.World.Run(1);
        var sentence = Assert.Single(pair.Sun.Failures);
        Assert.StartsWith(what, sentence, StringComparison.Ordinal);
        Assert.EndsWith("; this is its private address behind a NAT: set 'id' in its local section, or expect '10.1.0.10' here", sentence, StringComparison.Ordinal);
    }

    /// <summary>Whoever can reach the gateway may be told of by it, in one line that he cannot make long.</summary>
    [Fact]
    public void What_an_unknown_peer_makes_us_log_is_short_however_many_connections_there_are_and_however_long_its_name()
    {
        var pair = new Pair(moon: c => c with { Local = [new() { Id = new Identity(IdType.Fqdn, System.Text.Encoding.ASCII.GetBytes(new string('x', 3000))) }] });
        for (var i = 2; i <= 20; i++)
            pair.Sun.Connections.Add(pair.Sun.Connections[0] with { Name = $"gw{i}" });
        pair.Moon.Up(pair.Sun);
        pair.World.Run(1);
        var sentence = Assert.Single(pair.Sun.Failures);
        Assert.Equal(2004, sentence.Length);
        Assert.StartsWith("no connection fits 'xxx", sentence, StringComparison.Ordinal);
        pair.Moon.Connections[0] = pair.Moon.Connections[0] with { Local = [new() { Id = Identity.Parse("mars.example.org") }] };
        pair.Moon.Up(pair.Sun, token: 2);
        pair.World.Run(1);
        Assert.EndsWith("'gw8' for 'moon.example.org' (domain name) as 'sun.example.org' (domain name), 12 more", pair.Sun.Failures.Last(), StringComparison.Ordinal);
    }

    [Fact]
    public void A_responder_with_another_name_than_expected_is_refused_by_the_initiator()
    {
        var pair = new Pair(moon: c => c with { Remote = [new() { Id = Identity.Parse("*.example.org") }] }, sun: c => c with { Local = [new() { Id = Identity.Parse("sun.elsewhere.org") }] });
        pair.Moon.Keys[0] = Configs.Key("secret");
        pair.Moon.Up(pair.Sun);
        pair.World.Run(1);
        Assert.Equal(FailureCode.UnknownIdentity, pair.Moon.Outcome(1)!.Code);
        Assert.Contains("says that it is 'sun.elsewhere.org' (domain name), we expect '*.example.org'", pair.Moon.Outcome(1)!.Sentence, StringComparison.Ordinal);
        Assert.Empty(pair.Sun.Sessions);
    }

    [Fact]
    public void The_closest_identity_decides_between_connections_whatever_their_order()
    {
        var pair = new Pair(sun: c => c with { Name = "anybody", Remote = [new()] });
        pair.Sun.Connections.Add(pair.Sun.Connections[0] with { Name = "example", Remote = [new() { Id = Identity.Parse("*.example.org") }] });
        pair.Sun.Connections.Add(pair.Sun.Connections[0] with { Name = "moon", Remote = [new() { Id = Identity.Parse("moon.example.org") }] });
        pair.Sun.Connections.Add(pair.Sun.Connections[0] with { Name = "mars", Remote = [new() { Id = Identity.Parse("mars.example.org") }] });
        pair.Moon.Up(pair.Sun);
        pair.World.Run(1);
        Assert.Equal("moon", pair.Sun.Session.Connection!.Name);
    }

    [Fact]
    public void A_connection_whose_proposals_do_not_allow_the_suite_is_not_switched_to()
    {
        var pair = new Pair(sun: c => c with { Name = "anybody", Remote = [new()] });
        pair.Sun.Connections.Add(pair.Sun.Connections[0] with
        {
            Name = "moon",
            Remote = [new() { Id = Identity.Parse("moon.example.org") }],
            Proposals = Configs.Ike("aes256gcm16-prfsha512-ecp384"),
        });
        pair.Moon.Up(pair.Sun);
        pair.World.Run(1);
        Assert.Equal("anybody", pair.Sun.Session.Connection!.Name);
    }

    [Fact]
    public void Initial_contact_is_said_once_and_heard()
    {
        var pair = new Pair().Up();
        Assert.True(pair.Sun.HeardInitialContact);
        pair.Moon.Up(pair.Sun, token: 2);
        pair.World.Run(1);
        Assert.Contains("IKE_AUTH request 1 { IDi, IDr, AUTH, SA, TSi, TSr }", pair.World.Transcript, StringComparison.Ordinal);
    }

    [Fact]
    public void A_node_that_keeps_the_older_IKE_SA_refuses_the_new_one()
    {
        var pair = new Pair();
        pair.Sun.AcceptsNew = false;
        pair.Moon.Up(pair.Sun);
        pair.World.Run(1);
        Assert.Equal(FailureCode.AuthenticationFailed, pair.Moon.Outcome(1)!.Code);
        Assert.Empty(pair.Sun.Sessions);
        Assert.Empty(pair.Sun.Installed);
    }

    [Fact] // charon with childless = force proves who it is, gives an address and says INVALID_SYNTAX, after which it has no IKE SA
    public void A_peer_that_authenticates_and_cannot_read_the_rest_has_no_IKE_SA()
    {
        var pair = new Pair();
        pair.World.Changes = (from, to, bytes) => from == pair.Sun && bytes.Span[18] == (byte)ExchangeType.IkeAuth
            ? Resealing.WithPayloads(from, to, bytes, payloads => [.. payloads.Where(payload => payload is Payload.IDr or Payload.Auth), new Payload.Notify(NotifyType.InvalidSyntax)]) : bytes;
        pair.Moon.Up(pair.Sun);
        pair.World.Run(1);
        Assert.Empty(pair.Moon.Sessions);
        Assert.Equal("received INVALID_SYNTAX notify error from 192.0.2.2 in answer to IKE_AUTH: it cannot read our request, or takes IKE SAs without a child only: try 'childless = prefer'",
            pair.Moon.Outcome(1)!.Sentence);
        Assert.Empty(pair.Moon.Events.OfType<Event.IkeUp>());
    }

    [Theory]
    [InlineData("aes128-sha256-x25519")]
    [InlineData("aes256-sha384-ecp384")]
    [InlineData("aes192-sha512-ecp521")]
    [InlineData("aes128-sha1-modp2048")]
    [InlineData("aes128gcm16-prfsha256-ecp256")]
    [InlineData("aes256gcm16-prfsha512-modp3072")]
    [InlineData("chacha20poly1305-prfsha384-x25519")]
    [InlineData("aes128ctr-sha256-x25519")]
    [InlineData("default")]
    public void Every_suite_brings_up_a_tunnel(string proposal)
    {
        var pair = Pair.Both(c => c with { Proposals = Configs.Ike(proposal) }).Up();
        Assert.Null(pair.Moon.Outcome(1));
        Assert.Equal(pair.Moon.Session.Status(pair.World.Now).Suite, pair.Sun.Session.Status(pair.World.Now).Suite);
    }

    [Fact]
    public void Both_ends_have_the_same_child_the_other_way_round()
    {
        var pair = new Pair().Up();
        var (moon, sun) = (pair.Moon.Installed.Values.Single(), pair.Sun.Installed.Values.Single());
        Assert.Equal((moon.InboundSpi, moon.OutboundSpi), (sun.OutboundSpi, sun.InboundSpi));
        Assert.Equal((moon.InboundKeys, moon.OutboundKeys), (sun.OutboundKeys, sun.InboundKeys));
        Assert.NotEqual<Secret>(moon.InboundKeys.Encryption, moon.OutboundKeys.Encryption);
        Assert.Equal((moon.LocalSelectors, moon.RemoteSelectors), (sun.RemoteSelectors, sun.LocalSelectors), Selectors);
        Assert.Equal("ESP:AES_GCM_16_128/NO_EXT_SEQ", $"{moon.Suite}");
        Assert.Equal(KeyExchangeMethod.None, moon.KeyExchange);
        Assert.Equal("10.1.0.0/16", $"{moon.LocalSelectors.Single()}");
        Assert.False(moon.UdpEncapsulated);
    }

    [Fact]
    public void Events_tell_the_story_in_order()
    {
        var pair = new Pair().Up();
        Assert.Equal(
            ["NatDetected", "Note", "Note", "IkeUp", "ChildUp", "OrderDone"], pair.Moon.Events.Select(e => e.GetType().Name));
        Assert.Equal(["Note", "Note", "NatDetected", "IkeUp", "ChildUp"], pair.Sun.Events.Select(e => e.GetType().Name));
        Assert.Contains("IKE_SA gw[1] established between 192.0.2.1[moon.example.org]...192.0.2.2[sun.example.org]", pair.Moon.Events.Select(e => e.Sentence));
        Assert.Contains("authentication of 'sun.example.org' with pre-shared key successful", pair.Moon.Events.Select(e => e.Sentence));
        Assert.All(pair.Moon.Events, e => Assert.Equal("gw[1]", $"{e.Sa}"));
    }

    [Fact]
    public void Drops_of_strangers_and_repetitions_are_counted()
    {
        var pair = new Pair().Up();
        var path = new Path(new(pair.Sun.Address, 500), new(pair.Moon.Address, 500));
        var session = pair.Sun.Session;
        byte[] Header(uint id, byte flags, byte exchange) => [.. BitConverter.GetBytes(System.Buffers.Binary.BinaryPrimitives.ReverseEndianness(session.RemoteSpi.Value)),
            .. BitConverter.GetBytes(System.Buffers.Binary.BinaryPrimitives.ReverseEndianness(session.LocalSpi.Value)), 0, 0x20, exchange, flags, 0, 0, 0, (byte)id, 0, 0, 0, 28];
        pair.Sun.Receive(path, Header(2, 0x08, 37));
        pair.Sun.Receive(path, Header(1, 0x08, 35));
        pair.Sun.Receive(path, Header(9, 0x08, 37));
        pair.Sun.Receive(path, Header(0, 0x28, 37));
        pair.Sun.Receive(path, (byte[])[.. Header(2, 0x08, 37), 1, 2, 3]);
        Assert.Equal((1, 2, 1, 1), (pair.Sun.Drops[IkeDrop.NotProtected], pair.Sun.Drops[IkeDrop.OutOfWindow], pair.Sun.Drops[IkeDrop.NotAsked], pair.Sun.Drops[IkeDrop.Malformed]));
        Assert.Equal(IkeState.Established, session.State);
    }

    static bool Selectors((System.Collections.Immutable.ImmutableArray<Selector>, System.Collections.Immutable.ImmutableArray<Selector>) a,
        (System.Collections.Immutable.ImmutableArray<Selector>, System.Collections.Immutable.ImmutableArray<Selector>) b) =>
        a.Item1.SequenceEqual(b.Item1) && a.Item2.SequenceEqual(b.Item2);
}
