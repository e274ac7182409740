using Kuguru.Ike;
using Xunit;

namespace Kuguru.Tests.Ike.V2;

/// <summary>Transport mode: who asks, who agrees, and which names the ends have for each other (RFC 7296 sections 1.3.1 and 2.23.1).</summary>
public sealed class TransportStories
{
    [Fact]
    public void Both_ask_and_agree_and_keep_it_when_keys_change()
    {
        var pair = Pair.Both(Transport);
        pair.Moon.Up(pair.Sun);
        pair.World.Run(1);
        Assert.Equal(2, pair.World.Transcript.Split('\n').Count(line => line.Contains("SA, N(USE_TRANSPORT", StringComparison.Ordinal)));
        Assert.Equal("192.0.2.1/32 === 192.0.2.2/32 TransportEnds { Local = 192.0.2.1, Remote = 192.0.2.2, PeerSource = 192.0.2.2, PeerDestination = 192.0.2.1 }", Ends(pair.Moon));
        Assert.Equal("192.0.2.2/32 === 192.0.2.1/32 TransportEnds { Local = 192.0.2.2, Remote = 192.0.2.1, PeerSource = 192.0.2.1, PeerDestination = 192.0.2.2 }", Ends(pair.Sun));
        var before = (Ends(pair.Moon), Ends(pair.Sun));
        var child = pair.Sun.Session.Status(pair.World.Now).Children.Single().UniqueId;
        pair.Sun.Order((session, outbox) => session.RekeyChild(pair.World.Now, child, 2, outbox));
        pair.World.Run(10);
        Assert.Null(pair.Sun.Outcome(2));
        Assert.Equal(before, (Ends(pair.Moon), Ends(pair.Sun)));
        Assert.All([pair.Moon, pair.Sun], host => Assert.Single(host.Seen));
    }

    [Theory]
    // a NAT in front of the client, of the server, of both
    [InlineData(true, false, "10.1.0.10", "192.0.2.2", "203.0.113.1", "192.0.2.2")]
    [InlineData(false, true, "192.0.2.1", "203.0.113.2", "192.0.2.1", "10.2.0.10")]
    [InlineData(true, true, "10.1.0.10", "203.0.113.2", "203.0.113.1", "10.2.0.10")]
    public void Through_a_NAT_each_end_has_its_own_names(bool clientNat, bool serverNat, string client, string called, string seen, string server)
    {
        var pair = new Pair(Transport, Transport, clientNat ? new Napt("203.0.113.1") : null, serverNat ? new Napt("203.0.113.2") : null).Up();
        Assert.Equal($"{client}/32 === {called}/32 TransportEnds {{ Local = {client}, Remote = {called}, PeerSource = {server}, PeerDestination = {seen} }}", Ends(pair.Moon));
        Assert.Equal($"{server}/32 === {seen}/32 TransportEnds {{ Local = {server}, Remote = {seen}, PeerSource = {client}, PeerDestination = {called} }}", Ends(pair.Sun));
        var before = (Ends(pair.Moon), Ends(pair.Sun));
        foreach (var (host, token) in new[] { (pair.Sun, 2ul), (pair.Moon, 3ul) })
        {
            var child = host.Session.Status(pair.World.Now).Children.Single(one => one.State == ChildState.Installed).UniqueId;
            host.Order((session, outbox) => session.RekeyChild(pair.World.Now, child, token, outbox));
            pair.World.Run(10);
            Assert.Null(host.Outcome(token));
            Assert.Equal(before, (Ends(pair.Moon), Ends(pair.Sun)));
        }
    }

    [Theory]
    [InlineData(true, false)]
    [InlineData(false, true)]
    public void If_only_one_wants_it_it_is_tunnel_mode(bool moon, bool sun)
    {
        var pair = new Pair(c => moon ? Transport(c) : Tunnel(c), c => sun ? Transport(c) : Tunnel(c)).Up();
        Assert.Null(pair.Moon.Outcome(1));
        Assert.All([pair.Moon, pair.Sun], host => Assert.Equal(ChildMode.Tunnel, host.Installed.Values.Single().Mode));
        if (moon)
        {
            Assert.Contains(pair.Moon.Events.OfType<Event.Note>(), note => note.Text.Contains("is in tunnel mode, transport mode was asked for", StringComparison.Ordinal));
            Assert.Contains(pair.Sun.Events.OfType<Event.Note>(), note => note.Text.Contains("here it has not 'mode = transport'", StringComparison.Ordinal));
        }
    }

    [Fact]
    public void Networks_are_not_hosts()
    {
        var pair = Pair.Both(c => c with { Children = [c.Children[0] with { Mode = ChildMode.Transport }] }).Up();
        Assert.DoesNotContain("USE_TRANSPORT", pair.World.Transcript, StringComparison.Ordinal);
        Assert.All([pair.Moon, pair.Sun], host => Assert.Equal(ChildMode.Tunnel, host.Installed.Values.Single().Mode));
    }

    [Fact]
    public void Protocol_and_ports_are_narrowed_like_any_selector()
    {
        ChildConfig L2tp(ChildConfig child) => child with { LocalSelectors = [SelectorTemplate.Dynamic with { Protocol = 17, FirstPort = 1701, LastPort = 1701 }] };
        var pair = new Pair(c => Transport(c) with { Children = [L2tp(Transport(c).Children[0])] }, Transport, new Napt("203.0.113.1")).Up();
        Assert.StartsWith("10.1.0.10/32[udp/1701] === 192.0.2.2/32 ", Ends(pair.Moon), StringComparison.Ordinal);
        Assert.StartsWith("192.0.2.2/32 === 203.0.113.1/32[udp/1701] ", Ends(pair.Sun), StringComparison.Ordinal);
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
        var pair = new Pair(Transport, Transport, new Napt("203.0.113.1"));
        pair.Sun.StandIns = request => new([], (asked = request).IsNats ? "the range is exhausted" : null);
        pair.Moon.Up(pair.Sun);
        pair.World.Run(2);
        Assert.Equal("moon.example.org", $"{asked!.Peer}");
        Assert.Equal("sending NO_ADDITIONAL_SAS to moon.example.org: the range is exhausted", Assert.Single(pair.Sun.Failures));
        Assert.Contains("NO_ADDITIONAL_SAS", pair.Moon.Outcome(1)!.Sentence, StringComparison.Ordinal);
        Assert.Empty(pair.Sun.Installed);
        Assert.Empty(pair.Sun.Seen);
        Assert.Empty(pair.Moon.Seen);
    }

    [Fact]
    public void Whom_we_called_keeps_the_address_by_which_we_called_it()
    {
        var pair = new Pair(Transport, Transport, sunNat: new Napt("203.0.113.2"));
        var asked = new List<bool>();
        pair.Moon.StandIns = request => { asked.Add(request.IsNats); return new([], null); };
        pair.Up();
        Assert.Equal([false], asked);
    }

    static Connection Transport(Connection connection) => connection with { Children = [Configs.Child("net", "dynamic", "dynamic") with { Mode = ChildMode.Transport }] };

    static Connection Tunnel(Connection connection) => connection with { Children = [Configs.Child("net", "dynamic", "dynamic")] };

    static string Ends(Host host) => host.Installed.Values.Last() is var sa ? $"{sa.LocalSelectors.Single()} === {sa.RemoteSelectors.Single()} {sa.Transport}" : "";
}
