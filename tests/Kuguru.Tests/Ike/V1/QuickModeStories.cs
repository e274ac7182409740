using Kuguru.Ike;
using Kuguru.Wire.V1;
using Xunit;

namespace Kuguru.Tests.Ike.V1;

/// <summary>Children as quick mode names them: by protocol and port, several under one ISAKMP SA, and networks that Cisco's Unity tells.</summary>
public class QuickModeStories
{
    const byte Tcp = 6, Udp = 17;

    [Theory]
    [InlineData(Tcp, 80)]
    [InlineData(Udp, 53)]
    [InlineData(1, 0)]
    public void A_child_may_be_for_one_protocol_and_port(byte protocol, ushort port)
    {
        var pair = MainModeStories.Two(
            moon: c => c with { Children = [c.Children[0] with { LocalSelectors = [Service("10.1.0.0/16", protocol, 0)], RemoteSelectors = [Service("10.2.0.0/16", protocol, port)] }] },
            sun: c => c with { Children = [c.Children[0] with { LocalSelectors = [Service("10.2.0.0/16", protocol, port)], RemoteSelectors = [Service("10.1.0.0/16", protocol, 0)] }] });
        pair.Moon.Up(pair.Sun);
        pair.World.Run(2);
        MainModeStories.IsUp(pair);
        var (moon, sun) = (pair.Moon.Installed.Values.Single(), pair.Sun.Installed.Values.Single());
        Assert.Equal(moon.RemoteSelectors, sun.LocalSelectors);
        var far = moon.RemoteSelectors.Single();
        Assert.Equal((protocol, port == 0 ? (ushort)0 : port), (far.Protocol, far.FirstPort));
        Assert.Equal(protocol, moon.LocalSelectors.Single().Protocol);
    }

    [Fact]
    public void Another_protocol_than_ours_is_refused_and_a_part_of_what_we_have_is_taken()
    {
        var pair = MainModeStories.Two(
            moon: c => c with
            {
                Children =
                [
                    c.Children[0] with { Name = "web", RemoteSelectors = [Service("10.2.0.0/16", Tcp, 80)], LocalSelectors = [Service("10.1.0.0/16", Tcp, 0)] },
                    c.Children[0] with { Name = "dns", RemoteSelectors = [Service("10.2.0.0/16", Udp, 53)], LocalSelectors = [Service("10.1.0.0/16", Udp, 0)] },
                ],
            },
            sun: c => c with { Children = [c.Children[0] with { LocalSelectors = [Service("10.2.0.0/16", Tcp, 0)], RemoteSelectors = [Service("10.1.0.0/16", Tcp, 0)] }] });
        pair.Moon.Up(pair.Sun, child: "web");
        pair.World.Run(2);
        MainModeStories.IsUp(pair);
        pair.Moon.Order((session, outbox) => session.RequestChild(pair.World.Now, pair.Moon.Connections[0].Children[1], 2, outbox));
        pair.World.Run(5);
        Assert.Equal(FailureCode.TrafficSelectorsUnacceptable, pair.Moon.Outcome(2)!.Code);
        Assert.Single(pair.Sun.Installed);
    }

    [Fact]
    public void Several_children_live_under_one_ISAKMP_SA_also_when_they_are_wanted_at_once()
    {
        var children = Enumerable.Range(1, 5).Select(i => (Moon: Configs.Child($"net{i}", "10.1.0.0/16", $"10.{20 + i}.0.0/16"), Sun: Configs.Child($"net{i}", $"10.{20 + i}.0.0/16", "10.1.0.0/16"))).ToList();
        var pair = MainModeStories.Two(moon: c => c with { Children = [.. children.Select(child => child.Moon)] }, sun: c => c with { Children = [.. children.Select(child => child.Sun)] });
        pair.Moon.Up(pair.Sun, child: "net1");
        pair.World.Run(0.3);
        for (var i = 1; i < 5; i++)
            pair.Moon.Order((session, outbox) => session.RequestChild(pair.World.Now, pair.Moon.Connections[0].Children[i], (ulong)(10 + i), outbox));
        pair.World.Run(5);
        Assert.Equal((5, 5), (pair.Moon.Installed.Count, pair.Sun.Installed.Count));
        Assert.Single(pair.Moon.Sessions);
        foreach (var ours in pair.Moon.Installed.Values)
            Assert.Single(pair.Sun.Installed.Values, theirs => theirs.OutboundSpi == ours.InboundSpi && theirs.LocalSelectors.SequenceEqual(ours.RemoteSelectors));
        // Each goes on its own.
        pair.Moon.Order((session, outbox) => session.TerminateChild(pair.World.Now, session.Status(pair.World.Now).Children[2].UniqueId, 20, false, outbox));
        pair.World.Run(1);
        Assert.Equal((4, 4), (pair.Moon.Installed.Count, pair.Sun.Installed.Count));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Unitys_split_networks_are_what_a_client_sends_into_the_tunnel(bool push)
    {
        var pair = MainModeStories.Two(
            moon: c => c with { VirtualAddresses = [IpAddress.AnyV4], Children = [Configs.Child("net", "dynamic", "0.0.0.0/0")] },
            sun: c => c with { Pools = ["pool"], Children = [Configs.Child("net", "10.2.0.0/16", "dynamic")] },
            change: c => c with { Push = push });
        pair.Sun.Pools["pool"] = new() { Name = "pool", Addresses = new(IpAddress.Parse("10.9.0.1"), IpAddress.Parse("10.9.0.9")), Dns = [IpAddress.Parse("10.2.0.53")] };
        pair.Moon.Settings = pair.Moon.Settings with { CiscoUnity = true };
        pair.Moon.Up(pair.Sun);
        pair.World.Run(3);
        MainModeStories.IsUp(pair);
        Assert.Equal("10.2.0.0/16", $"{pair.Moon.Installed.Values.Single().RemoteSelectors.Single()}");
        Assert.Equal("10.9.0.1/32", $"{pair.Moon.Installed.Values.Single().LocalSelectors.Single()}");
    }

    [Fact]
    public void Without_Unity_nobody_tells_networks()
    {
        var pair = MainModeStories.Two(
            moon: c => c with { VirtualAddresses = [IpAddress.AnyV4], Children = [Configs.Child("net", "dynamic", "0.0.0.0/0")] },
            sun: c => c with { Pools = ["pool"], Children = [Configs.Child("net", "10.2.0.0/16", "dynamic")] });
        pair.Sun.Pools["pool"] = new() { Name = "pool", Addresses = new(IpAddress.Parse("10.9.0.1"), IpAddress.Parse("10.9.0.9")) };
        pair.World.Changes = (from, to, bytes) =>
        {
            if (IsakmpMessage.TryParse(bytes, out var message, out _))
                Assert.DoesNotContain(message.All<Payload.VendorId>(), id => VendorIds.IsUnity(id.Data));
            return bytes;
        };
        pair.Moon.Up(pair.Sun);
        pair.World.Run(5);
        Assert.Equal(FailureCode.TrafficSelectorsUnacceptable, pair.Moon.Outcome(1)!.Code);
    }

    [Fact]
    public void A_connection_for_both_versions_answers_IKEv1_and_begins_with_IKEv2()
    {
        var pair = MainModeStories.Two(sun: c => c with { Version = 0 });
        pair.Moon.Up(pair.Sun);
        pair.World.Run(2);
        MainModeStories.IsUp(pair);
        Assert.Equal(1, pair.Sun.Sessions.Single().Version);

        var other = new Pair(c => c with { Version = 0 }, c => c with { Version = 0 });
        other.Moon.Up(other.Sun);
        other.World.Run(2);
        Assert.Equal(2, other.Sun.Sessions.Single().Version);
    }

    static SelectorTemplate Service(string prefix, byte protocol, ushort port) => port == 0
        ? new SelectorTemplate(Configs.Prefix(prefix), protocol) : new SelectorTemplate(Configs.Prefix(prefix), protocol, port, port);
}
