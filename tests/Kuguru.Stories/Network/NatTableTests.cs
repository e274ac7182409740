using Kuguru.Lab;

namespace Kuguru.Stories.Network;

/// <summary>The NAT of the lab by RFC 4787's terms, one table a section.</summary>
public sealed class NatTableTests
{
    static readonly IpAddress s_public = IpAddress.Parse("198.51.100.7"), s_public2 = IpAddress.Parse("198.51.100.8");
    static readonly Endpoint s_inside = E("192.168.1.2", 4500), s_other = E("192.168.1.3", 4500);
    static readonly Endpoint s_gateway = E("203.0.113.1", 4500), s_samePort = E("203.0.113.2", 4500), s_sameAddress = E("203.0.113.1", 500);

    [Theory] // RFC 4787 section 4.1: is the mapping the same toward another port of the same host, toward another host?
    [InlineData(Dependence.EndpointIndependent, true, true)]
    [InlineData(Dependence.AddressDependent, true, false)]
    [InlineData(Dependence.AddressAndPortDependent, false, false)]
    public void A_mapping_is_reused_as_far_as_it_does_not_depend_on_the_destination(Dependence mapping, bool sameForOtherPort, bool sameForOtherHost)
    {
        var nat = Table(new() { Mapping = mapping, Ports = PortAssignment.Random });
        var first = Out(nat, 0, s_inside, s_gateway);
        Assert.Equal(sameForOtherPort, Out(nat, 0, s_inside, s_sameAddress) == first);
        Assert.Equal(sameForOtherHost, Out(nat, 0, s_inside, s_samePort) == first);
        Assert.Equal(first, Out(nat, 0, s_inside, s_gateway));
    }

    [Theory] // RFC 4787 section 5: who may send to a mapping that was made toward the gateway's port 4500?
    [InlineData(Dependence.EndpointIndependent, true, true)]
    [InlineData(Dependence.AddressDependent, true, false)]
    [InlineData(Dependence.AddressAndPortDependent, false, false)]
    public void A_filter_admits_whom_it_does_not_depend_on(Dependence filtering, bool otherPortMay, bool otherHostMay)
    {
        foreach (var mapping in Enum.GetValues<Dependence>())
        {
            var nat = Table(new() { Mapping = mapping, Filtering = filtering });
            var outside = Out(nat, 0, s_inside, s_gateway)!.Value;
            Assert.Equal(s_inside, In(nat, 0, outside, s_gateway));
            Assert.Equal(otherPortMay ? s_inside : null, In(nat, 0, outside, s_sameAddress));
            Assert.Equal(otherHostMay ? s_inside : null, In(nat, 0, outside, s_samePort));
        }
    }

    [Fact]
    public void A_port_without_a_mapping_and_a_filtered_sender_are_told_apart()
    {
        var nat = Table(new());
        var outside = Out(nat, 0, s_inside, s_gateway)!.Value;
        nat.Inbound(At(0), outside, s_samePort, out var filtered);
        nat.Inbound(At(0), outside with { Port = 9 }, s_gateway, out var unknown);
        Assert.Equal((Fate.Filtered, Fate.NoMapping), (filtered, unknown));
    }

    [Fact] // RFC 4787 section 4.2.1
    public void A_preserving_NAT_keeps_the_port_where_it_is_free_and_gives_another_where_not()
    {
        var nat = Table(new() { Ports = PortAssignment.Preserving });
        Assert.Equal(new Endpoint(s_public, 4500), Out(nat, 0, s_inside, s_gateway));
        var second = Out(nat, 0, s_other, s_gateway);
        Assert.NotEqual(new Endpoint(s_public, 4500), second);
        Assert.Equal(s_other, In(nat, 0, second!.Value, s_gateway));
    }

    [Fact]
    public void A_contiguous_NAT_counts_up_and_begins_again_after_a_reboot()
    {
        var nat = Table(new() { Ports = PortAssignment.Contiguous, PortRange = (40000, 40002) });
        var ports = Enumerable.Range(2, 3).Select(i => Out(nat, 0, E($"192.168.1.{i}", 500), s_gateway)!.Value.Port).ToList();
        Assert.Equal<ushort>([40000, 40001, 40002], ports);
        Assert.Null(nat.Outbound(At(0), E("192.168.1.9", 500), s_gateway, out var fate));
        Assert.Equal(Fate.PortsExhausted, fate);
        nat.Forget();
        Assert.Equal(40000, Out(nat, 0, s_other, s_gateway)!.Value.Port);
    }

    [Theory] // RFC 4787 REQ-3: well-known stays well-known
    [InlineData(500, true)]
    [InlineData(4500, false)]
    public void A_range_preserving_NAT_keeps_the_class_of_the_port(ushort port, bool isLow)
    {
        var nat = Table(new() { Ports = PortAssignment.RangePreserving });
        for (var i = 2; i < 50; i++)
            Assert.Equal(isLow, Out(nat, 0, E($"192.168.1.{i}", port), s_gateway)!.Value.Port < 1024);
    }

    [Fact]
    public void Random_ports_stay_in_the_range_and_never_meet()
    {
        var nat = Table(new() { Ports = PortAssignment.Random, PortRange = (50000, 50099) });
        var ports = Enumerable.Range(1, 100).Select(i => Out(nat, 0, E($"10.0.0.{i}", 500), s_gateway)!.Value.Port).ToHashSet();
        Assert.Equal(100, ports.Count);
        Assert.All(ports, p => Assert.InRange(p, 50000, 50099));
    }

    [Theory] // RFC 4787 section 4.3: a 30 s mapping, one packet of one direction after 20 s; is it there after 40 s?
    [InlineData(Refresh.Outbound, true, true)]
    [InlineData(Refresh.Outbound, false, false)]
    [InlineData(Refresh.Inbound, true, false)]
    [InlineData(Refresh.Inbound, false, true)]
    [InlineData(Refresh.Both, true, true)]
    [InlineData(Refresh.Both, false, true)]
    public void A_mapping_lives_on_by_packets_of_the_refreshing_direction(Refresh refresh, bool outward, bool lives)
    {
        var nat = Table(new() { Refresh = refresh, MappingTimeout = TimeSpan.FromSeconds(30) });
        var outside = Out(nat, 0, s_inside, s_gateway)!.Value;
        if (outward)
            Out(nat, 20, s_inside, s_gateway);
        else
            In(nat, 20, outside, s_gateway);
        Assert.Equal(lives ? s_inside : null, In(nat, 40, outside, s_gateway));
    }

    [Theory]
    [InlineData(29.999, true)]
    [InlineData(30, false)]
    public void A_silent_mapping_is_forgotten_when_its_time_is_over(double after, bool lives)
    {
        var nat = Table(new() { MappingTimeout = TimeSpan.FromSeconds(30) });
        var outside = Out(nat, 0, s_inside, s_gateway)!.Value;
        Assert.Equal(lives, In(nat, after, outside, s_gateway) is not null);
        Assert.Equal(lives ? 1 : 0, nat.Mappings(At(after)).Count());
    }

    [Fact]
    public void A_forgotten_port_may_be_given_to_a_neighbour()
    {
        var nat = Table(new() { MappingTimeout = TimeSpan.FromSeconds(30) });
        var outside = Out(nat, 0, s_inside, s_gateway)!.Value;
        Assert.Equal(outside, Out(nat, 31, s_other, s_gateway));
        Assert.Equal(s_other, In(nat, 31, outside, s_gateway));
        Assert.NotEqual(outside, Out(nat, 31, s_inside, s_gateway));
    }

    [Fact] // RFC 4787 REQ-2
    public void Paired_pooling_gives_one_inside_address_one_outside_address_and_arbitrary_pooling_does_not()
    {
        foreach (var pooling in Enum.GetValues<Pooling>())
        {
            var nat = new NatTable(new() { Pooling = pooling, Mapping = Dependence.AddressAndPortDependent }, new(1), [s_public, s_public2]);
            var on500 = Out(nat, 0, E("192.168.1.2", 500), s_sameAddress)!.Value;
            var on4500 = Out(nat, 0, s_inside, s_gateway)!.Value;
            Assert.Equal(pooling == Pooling.Paired, on500.Address == on4500.Address);
        }
    }

    [Fact]
    public void A_port_forward_works_both_ways_for_everybody_for_ever_and_outlives_a_reboot()
    {
        var nat = Table(new());
        nat.Forward(new(s_public, 4500), s_inside);
        Assert.Equal(s_inside, In(nat, 1e6, new(s_public, 4500), s_samePort));
        Assert.Equal(new(s_public, 4500), Out(nat, 1e6, s_inside, s_gateway));
        nat.Forget();
        Assert.Equal(s_inside, In(nat, 1e6, new(s_public, 4500), s_gateway));
        Assert.NotEqual(new(s_public, 4500), Out(nat, 1e6, s_other, s_gateway));
    }

    [Fact]
    public void Renumbering_forgets_mappings_and_takes_port_forwards_along()
    {
        var nat = Table(new());
        nat.Forward(new(s_public, 500), E("192.168.1.2", 500));
        var outside = Out(nat, 0, s_inside, s_gateway)!.Value;
        nat.Renumber([s_public2]);
        Assert.Null(In(nat, 0, outside, s_gateway));
        Assert.Equal(E("192.168.1.2", 500), In(nat, 0, new(s_public2, 500), s_gateway));
        Assert.Equal(s_public2, Out(nat, 0, s_inside, s_gateway)!.Value.Address);
    }

    [Fact] // the problem "passthrough": 500 keeps its source port and serves one client a gateway, 4500 is nothing special
    public void Passthrough_serves_one_client_a_gateway_on_500_and_everybody_on_4500()
    {
        var nat = Table(new() { IkePassthrough = true, MappingTimeout = TimeSpan.FromSeconds(30) });
        var (first, second) = (E("192.168.1.2", 500), E("192.168.1.3", 500));
        Assert.Equal(new(s_public, 500), Out(nat, 0, first, s_sameAddress));
        Assert.Null(nat.Outbound(At(0), second, s_sameAddress, out var fate));
        Assert.Equal(Fate.PassthroughTaken, fate);
        Assert.Equal(new(s_public, 500), Out(nat, 0, second, E("203.0.113.2", 500)));
        Assert.Equal(first, In(nat, 0, new(s_public, 500), s_sameAddress));
        Assert.Equal(second, In(nat, 0, new(s_public, 500), E("203.0.113.2", 500)));
        Assert.NotEqual(Out(nat, 0, s_inside, s_gateway), Out(nat, 0, s_other, s_gateway));
        Assert.Equal(new(s_public, 500), Out(nat, 31, second, s_sameAddress));
    }

    [Fact] // RFC 6888 section 2
    public void A_carrier_gives_each_customer_no_more_than_his_share()
    {
        var nat = Table(new() { Mapping = Dependence.AddressAndPortDependent, MappingsPerHost = 2, MappingTimeout = TimeSpan.FromSeconds(30) });
        Assert.NotNull(Out(nat, 0, s_inside, s_gateway));
        Assert.NotNull(Out(nat, 0, s_inside, s_samePort));
        Assert.Null(Out(nat, 0, s_inside, s_sameAddress));
        Assert.NotNull(Out(nat, 0, s_other, s_sameAddress));
        Assert.NotNull(Out(nat, 31, s_inside, s_sameAddress));
    }

    [Fact]
    public void The_table_prints_as_a_user_would_like_to_see_it()
    {
        var nat = Table(new() { MappingTimeout = TimeSpan.FromSeconds(30) });
        nat.Forward(new(s_public, 500), E("192.168.1.9", 500));
        Out(nat, 0, s_inside, s_gateway);
        Out(nat, 3, s_inside, s_samePort);
        Assert.Equal("""
            udp      20 s  192.168.1.2[4500] -> 203.0.113.1[4500]  seen as 198.51.100.7[4500]
            udp      23 s  192.168.1.2[4500] -> 203.0.113.2[4500]  seen as 198.51.100.7[4500]
            udp   forward  198.51.100.7[500] -> 192.168.1.9[500]

            """, nat.Print(At(10)));
    }

    [Fact]
    public void A_table_of_strangers_does_not_grow_without_end()
    {
        var nat = Table(new() { MappingTimeout = TimeSpan.FromSeconds(30), Mapping = Dependence.AddressAndPortDependent, Ports = PortAssignment.Random });
        for (uint i = 0; i < 200_000; i++)
            Assert.NotNull(Out(nat, i * 0.01, s_inside, new(IpAddress.V4(0xC6120000 + i), 500)));
        Assert.InRange(nat.Mappings(At(2000)).Count(), 2900, 3100);
    }

    static NatTable Table(NatBehavior behavior) => new(behavior, new(1), [s_public]);
    static Endpoint? Out(NatTable nat, double at, Endpoint inside, Endpoint remote) => nat.Outbound(At(at), inside, remote, out _);
    static Endpoint? In(NatTable nat, double at, Endpoint outside, Endpoint remote) => nat.Inbound(At(at), outside, remote, out _);
    static Instant At(double seconds) => new((long)(seconds * 1e9));
    static Endpoint E(string address, ushort port) => new(IpAddress.Parse(address), port);
}
