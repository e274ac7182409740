using Kuguru.Ike;
using Kuguru.Ike.V1;
using Kuguru.Wire;
using Kuguru.Wire.V1;
using Xunit;

namespace Kuguru.Tests.Ike.V1;

/// <summary>Transport mode: which mode the ends agree on, and which original addresses they tell each other (RFC 3947 section 5).</summary>
public sealed class TransportStories
{
    const string Here = "10.1.0.10", Client = "203.0.113.1", Called = "203.0.113.2", There = "10.2.0.10";

    [Fact]
    public void Both_want_it_and_keep_it_when_keys_change()
    {
        var pair = Two();
        var quick = Listen(pair);
        Up(pair);
        Assert.Equal(["SA(Transport) No ID ID", "SA(Transport) No ID ID", ""], quick);
        Assert.Equal("192.0.2.1/32 === 192.0.2.2/32 TransportEnds { Local = 192.0.2.1, Remote = 192.0.2.2, PeerSource = 192.0.2.2, PeerDestination = 192.0.2.1 }", Ends(pair.Moon));
        Assert.Equal("192.0.2.2/32 === 192.0.2.1/32 TransportEnds { Local = 192.0.2.2, Remote = 192.0.2.1, PeerSource = 192.0.2.1, PeerDestination = 192.0.2.2 }", Ends(pair.Sun));
        RekeyAndStay(pair);
    }

    [Theory]
    // a NAT in front of the client, of the server, of both: what each says of the two ends, and what the other makes of it
    [InlineData(true, false, Here, "192.0.2.2", Client, "192.0.2.2")]
    [InlineData(false, true, "192.0.2.1", Called, "192.0.2.1", There)]
    [InlineData(true, true, Here, Called, Client, There)]
    public void Through_a_NAT_each_end_says_what_it_calls_both(bool clientNat, bool serverNat, string client, string called, string seen, string server)
    {
        var pair = Two(clientNat ? new Napt(Client) : null, serverNat ? new Napt(Called) : null);
        var quick = Listen(pair);
        Up(pair);
        Assert.Equal([$"SA(UdpTransport) No ID ID NatOa({client}) NatOa({called})", $"SA(UdpTransport) No ID ID NatOa({seen}) NatOa({server})", ""], quick);
        Assert.Equal($"{client}/32 === {called}/32 TransportEnds {{ Local = {client}, Remote = {called}, PeerSource = {server}, PeerDestination = {seen} }}", Ends(pair.Moon));
        Assert.Equal($"{server}/32 === {seen}/32 TransportEnds {{ Local = {server}, Remote = {seen}, PeerSource = {client}, PeerDestination = {called} }}", Ends(pair.Sun));
        RekeyAndStay(pair);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    public void Drafts_have_numbers_of_their_own_and_one_original_address(int draft)
    {
        var pair = Two(new Napt(Client), new Napt(Called));
        Blob[] known = [VendorIds.NatDraft02, VendorIds.NatDraft02Newline, VendorIds.NatDraft03];
        var quick = Listen(pair, message => message with
        {
            Payloads = message.Payloads.Where(payload => payload is not Payload.VendorId id || id.Data == known[draft] || !(id.Data == VendorIds.Rfc3947 || known.Contains(id.Data))).ToSequence(),
        });
        Up(pair);
        Assert.Equal([$"SA(UdpTransportDraft) No ID ID NatOaDraft({Here})", $"SA(UdpTransportDraft) No ID ID NatOaDraft({There})", ""], quick);
        Assert.EndsWith($"PeerSource = {There}, PeerDestination = {Here} }}", Ends(pair.Moon), StringComparison.Ordinal);
        Assert.EndsWith($"PeerSource = {Here}, PeerDestination = {Called} }}", Ends(pair.Sun), StringComparison.Ordinal);
    }

    [Theory]
    // as charon answers: identities as it knows both ends
    [InlineData("203.0.113.1 10.2.0.10", "203.0.113.1 10.2.0.10", "203.0.113.1", "10.2.0.10")]
    // no original addresses: the identities have them
    [InlineData("203.0.113.1 10.2.0.10", "", "203.0.113.1", "10.2.0.10")]
    // no identities: nobody but the two hosts
    [InlineData("", "203.0.113.1 10.2.0.10", "203.0.113.1", "10.2.0.10")]
    // one address is the sender's own
    [InlineData("", "10.2.0.10", "10.1.0.10", "10.2.0.10")]
    // identities of others, or addresses of the other family, are no answer to what was asked
    [InlineData("10.1.0.10 198.51.100.0/24", "203.0.113.1 10.2.0.10", null, null)]
    [InlineData("", "2001:db8::1 10.2.0.10", null, null)]
    public void What_a_peer_answers_is_understood_or_refused(string ids, string originals, string? destination, string? source)
    {
        var pair = Two(new Napt(Client), new Napt(Called));
        var number = 0;
        ChangeInside(pair, payloads => ++number != 2 ? payloads :
        [
            .. payloads.Where(payload => payload is not (Payload.ID or Payload.NatOa)),
            .. ids.Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(Id),
            .. originals.Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(address => new Payload.NatOa(IpAddress.Parse(address), false)),
        ], answersOnly: true);
        pair.Moon.Up(pair.Sun);
        pair.World.Run(3);
        Assert.Equal(source is null, pair.Moon.Outcome(1) is not null);
        if (source is not null)
            Assert.Equal($"{Here}/32 === {Called}/32 TransportEnds {{ Local = {Here}, Remote = {Called}, PeerSource = {source}, PeerDestination = {destination} }}", Ends(pair.Moon));
        else
            Assert.All([pair.Moon, pair.Sun], host => Assert.Empty(host.Seen));
    }

    [Fact]
    public void Protocol_and_port_are_agreed_on_as_L2TP_has_them()
    {
        SelectorTemplate l2tp = SelectorTemplate.Dynamic with { Protocol = 17, FirstPort = 1701, LastPort = 1701 };
        var pair = Two(new Napt(Client), new Napt(Called), c => c with { Children = [c.Children[0] with { LocalSelectors = [l2tp], RemoteSelectors = [l2tp] }] });
        Up(pair);
        Assert.StartsWith($"{Here}/32[udp/1701] === {Called}/32[udp/1701] ", Ends(pair.Moon), StringComparison.Ordinal);
        Assert.StartsWith($"{There}/32[udp/1701] === {Client}/32[udp/1701] ", Ends(pair.Sun), StringComparison.Ordinal);
        RekeyAndStay(pair);
    }

    [Fact]
    public void A_client_of_any_port_fits_a_server_that_takes_any()
    {
        var pair = new Pair(
            c => Transport(c) with { Children = [Udp(c, 50123, 1701)] }, c => Transport(c) with { Children = [Udp(c, 1701, null)] }, new Napt(Client));
        Up(pair);
        Assert.StartsWith($"192.0.2.2/32[udp/1701] === {Client}/32[udp/50123] ", Ends(pair.Sun), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Who_has_not_mode_transport_refuses_it_by_name_and_who_asks_for_a_tunnel_gets_one(bool moon)
    {
        var pair = new Pair(moon ? Transport : Tunnel, moon ? Tunnel : Transport);
        pair.Moon.Up(pair.Sun);
        pair.World.Run(3);
        if (moon)
        {
            Assert.Equal(FailureCode.NoProposalChosen, pair.Moon.Outcome(1)!.Code);
            Assert.Contains("for transport mode, which is from host to host and needs 'mode = transport' here", Assert.Single(pair.Sun.Failures), StringComparison.Ordinal);
            return;
        }
        Assert.Null(pair.Moon.Outcome(1));
        Assert.All([pair.Moon, pair.Sun], host => Assert.Equal(ChildMode.Tunnel, host.Installed.Values.Single().Mode));
        Assert.Contains(pair.Sun.Events.OfType<Event.Note>(), note => note.Text.Contains("is in tunnel mode as it asks, here it has 'mode = transport'", StringComparison.Ordinal));
    }

    [Fact]
    public void Networks_are_not_hosts()
    {
        var pair = MainModeStories.Two(change: c => c with { Children = [c.Children[0] with { Mode = ChildMode.Transport }] });
        Up(pair);
        Assert.All([pair.Moon, pair.Sun], host => Assert.Equal(ChildMode.Tunnel, host.Installed.Values.Single().Mode));
        Assert.Contains(pair.Moon.Events.OfType<Event.Note>(), note => note.Text.Contains("'net' is in tunnel mode: its selectors are not host to host", StringComparison.Ordinal));
    }

    /// <summary>It only says that it is behind a NAT, and is still called by its own address: what we say to it must not go in clear.</summary>
    [Theory]
    [InlineData(false, true)]
    [InlineData(true, false)]
    public void Who_forces_encapsulation_without_a_NAT_keeps_its_address(bool hasNat, bool keeps)
    {
        var pair = new Pair(c => Transport(c) with { Encapsulation = Encapsulation.Always }, Transport, hasNat ? new Napt("203.0.113.1") : null);
        StandInRequest? asked = null;
        pair.Sun.StandIns = request => new([], (asked = request) is null ? "" : null);
        pair.Moon.Up(pair.Sun);
        pair.World.Run(3);
        Assert.Equal(!keeps, asked!.IsNats);
        Assert.True(pair.Sun.Installed.Values.Single().UdpEncapsulated);
    }

    [Fact]
    public void A_peer_behind_a_NAT_that_came_to_us_asks_for_a_stand_in_and_is_refused_when_there_is_none()
    {
        StandInRequest? asked = null;
        var pair = Two(new Napt(Client));
        pair.Sun.StandIns = request => new([], (asked = request).IsNats ? "the range is exhausted" : null);
        pair.Moon.Up(pair.Sun);
        pair.World.Run(2);
        Assert.Equal("moon.example.org", $"{asked!.Peer}");
        Assert.EndsWith("to moon.example.org: the range is exhausted", Assert.Single(pair.Sun.Failures), StringComparison.Ordinal);
        Assert.NotNull(pair.Moon.Outcome(1));
        Assert.All([pair.Moon, pair.Sun], host => Assert.Empty(host.Installed));
        Assert.All([pair.Moon, pair.Sun], host => Assert.Empty(host.Seen));
    }

    [Fact]
    public void A_peer_that_its_NAT_has_given_another_address_keeps_its_name_and_its_stand_in()
    {
        var pair = Two(new Napt(Client));
        var standIn = new StandIn(AddressRange.Single(IpAddress.Parse(Client)), IpAddress.Parse("198.18.0.7"));
        var replaced = new List<Spi?>();
        pair.Sun.StandIns = request =>
        {
            replaced.Add(request.Replaces);
            return new([standIn], null);
        };
        Up(pair);
        var first = pair.Sun.Installed.Values.Single();
        Assert.Equal([standIn], first.StandIns);
        // Another NAT, with another address; moon's next message tells sun.
        pair.Moon.Nat = new Napt("203.0.113.77");
        RekeyAndStay(pair);
        Assert.Equal("203.0.113.77", $"{pair.Sun.V1.Path.Remote.Address}");
        Assert.Equal([null, first.InboundSpi], replaced.Take(2));
        Assert.All(pair.Sun.Installed.Values, sa => Assert.Equal(first.ReqId, sa.ReqId));
    }

    [Fact]
    public void Everything_is_given_back_at_the_end()
    {
        var pair = Two(new Napt(Client));
        Up(pair);
        Assert.All([pair.Moon, pair.Sun], host => Assert.Single(host.Seen));
        pair.Moon.Order((session, outbox) => session.TerminateIke(pair.World.Now, 9, false, outbox));
        pair.World.Run(1);
        Assert.All([pair.Moon, pair.Sun], host => Assert.Empty(host.Seen));
        Assert.All([pair.Moon, pair.Sun], host => Assert.Empty(host.ReqIds));
    }

    static Pair Two(Napt? nat = null, Napt? sunNat = null, Func<Connection, Connection>? change = null)
    {
        Connection All(Connection connection) => Transport(connection) is var one && change is not null ? change(one) : one;
        return new(All, All, nat, sunNat);
    }

    static void Up(Pair pair)
    {
        pair.Moon.Up(pair.Sun);
        pair.World.Run(3);
        Assert.Null(pair.Moon.Outcome(1));
        Assert.Empty(pair.Sun.Failures);
    }

    /// <summary>Either end makes new keys: the newest child is as the first was.</summary>
    static void RekeyAndStay(Pair pair)
    {
        var before = (Ends(pair.Moon), Ends(pair.Sun));
        foreach (var (host, token) in new[] { (pair.Moon, 2ul), (pair.Sun, 3ul) })
        {
            var child = host.V1.Status(pair.World.Now).Children.Single(one => one.State == ChildState.Installed).UniqueId;
            host.Order((session, outbox) => session.RekeyChild(pair.World.Now, child, token, outbox));
            pair.World.Run(10);
            Assert.Null(host.Outcome(token));
            Assert.Equal(before, (Ends(pair.Moon), Ends(pair.Sun)));
            foreach (var end in (Host[])[pair.Moon, pair.Sun])
                Assert.Single(end.V1.Status(pair.World.Now).Children, one => one.State == ChildState.Installed);
        }
    }

    /// <summary>What is in the messages of quick mode, behind HASH; in main mode's first, vendor IDs may be left out.</summary>
    static List<string> Listen(Pair pair, Func<IsakmpMessage, IsakmpMessage>? first = null)
    {
        var said = new List<string>();
        ChangeInside(pair, payloads =>
        {
            said.Add(string.Join(' ', payloads.Select(Word)));
            return payloads;
        });
        if (first is not null)
        {
            var inside = pair.World.Changes;
            pair.World.Changes = (from, to, bytes) => IsakmpMessage.TryParse(bytes, out var message, out _) && message.Find<Payload.SA>() is not null
                ? first(message).Write() : inside(from, to, bytes);
        }
        return said;
    }

    static string Word(Payload payload) => payload switch
    {
        Payload.SA sa => $"SA({(EncapsulationMode)sa.Proposals[0].Transforms[0].Number32(IpsecAttribute.EncapsulationMode)!})",
        Payload.NatOa original => $"{original.Type}({original.Address})",
        Payload.ID => "ID",
        Payload.Nonce => "No",
        Payload.KE => "KE",
        _ => payload.Type.ToString(),
    };

    /// <summary>Somebody who has the keys changes what stands behind HASH in quick mode.</summary>
    static void ChangeInside(Pair pair, Func<IEnumerable<Payload>, IEnumerable<Payload>> change, bool answersOnly = false)
    {
        Blob nonceI = default;
        pair.World.Changes = (from, to, bytes) =>
        {
            var marker = bytes.Span.StartsWith((ReadOnlySpan<byte>)[0, 0, 0, 0]) ? 4 : 0;
            if (!IsakmpMessage.TryParse(bytes.Span[marker..], out var message, out _) || message is not { Exchange: ExchangeKind.QuickMode, Encrypted: { } encrypted }
                || to.V1.Phase is not KeyedPhase phase || phase.Keying.Open(phase.IvOf(message.Id), encrypted) is not { } plaintext
                || !Payload.TryReadChain(PayloadKind.Hash, plaintext, out var payloads, out _, out _))
                return bytes;
            if (from == pair.Moon && payloads.OfType<Payload.Nonce>().FirstOrDefault() is { } nonce)
                nonceI = nonce.Data;
            Payload[] changed = [.. change(payloads.Skip(1))];
            if (!answersOnly || from == pair.Moon || changed.Length == 0)
                return bytes;
            var rest = Payload.WriteChain(changed.ToSequence());
            Payload[] whole = [new Payload.Hash(phase.Keying.Hash2(message.Id, nonceI, rest)), .. changed];
            var seal = phase.Keying.Seal(phase.IvOf(message.Id), PayloadKind.Hash, Payload.WriteChain(whole.ToSequence()));
            return (byte[])[.. new byte[marker], .. (message with { Payloads = [seal] }).Write()];
        };
    }

    static Payload.ID Id(string text) => QuickIds.Write(new Selector(text.Contains('/', StringComparison.Ordinal) ? Configs.Prefix(text) : AddressRange.Single(IpAddress.Parse(text))));

    static ChildConfig Udp(Connection connection, ushort local, ushort? remote) => Transport(connection).Children[0] with
    {
        LocalSelectors = [SelectorTemplate.Dynamic with { Protocol = 17, FirstPort = local, LastPort = local }],
        RemoteSelectors = [SelectorTemplate.Dynamic with { Protocol = 17, FirstPort = remote ?? 0, LastPort = remote ?? ushort.MaxValue }],
    };

    static Connection Transport(Connection connection) => Tunnel(connection) is var tunnel
        ? tunnel with { Children = [tunnel.Children[0] with { Mode = ChildMode.Transport }] } : connection;

    static Connection Tunnel(Connection connection) => connection with { Version = 1, Children = [Configs.Child("net", "dynamic", "dynamic", "aes128-sha256")] };

    static string Ends(Host host) => host.Installed.Values.Last() is var sa ? $"{sa.LocalSelectors.Single()} === {sa.RemoteSelectors.Single()} {sa.Transport}" : "";
}
