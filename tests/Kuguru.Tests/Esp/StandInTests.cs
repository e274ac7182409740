using Kuguru.Wire;
using Xunit;

namespace Kuguru.Tests.Esp;

/// <summary>Tunnel mode with A's network under stand-ins at B: 10.1.0.0/16 is seen as 198.19.0.0/16 (overlap).</summary>
public sealed class StandInTests
{
    static readonly StandIn Seen = new(AddressRange.Prefix(IpAddress.Parse("10.1.0.0"), 16), IpAddress.Parse("198.19.0.0"));
    static readonly IpAddress SeenA = Seen.See(Packets.A4);

    [Fact]
    public void A_network_is_translated_inside_the_tunnel_both_ways()
    {
        using var tunnel = Between().Connected();
        tunnel.B.Forward = sent => tunnel.A.Receive(sent.Bytes, Tunnel.PathToB);
        tunnel.A.Send(Packets.Tcp(Packets.A4, Packets.B4, Packets.Payload(50)));
        Assert.Equal(Packets.Tcp(SeenA, Packets.B4, Packets.Payload(50)), Assert.Single(tunnel.B.WrittenPackets));
        tunnel.B.Send(Packets.Udp(Packets.B4, SeenA, Packets.Payload(60)));
        Assert.Equal(Packets.Udp(Packets.B4, Packets.A4, Packets.Payload(60)), Assert.Single(tunnel.A.WrittenPackets));
        Assert.Equal("198.19.0.5", $"{SeenA}");
        Assert.Equal("10.1.0.0/16 as 198.19.0.0/16", $"{Seen}");
    }

    [Fact]
    public void The_real_addresses_are_not_this_tunnels_at_our_end()
    {
        using var tunnel = Between();
        tunnel.B.Send(Packets.Udp(Packets.B4, Packets.A4, Packets.Payload(60)));
        Assert.Equal("NoPolicy 1", tunnel.B.Drops);
    }

    [Fact]
    public void A_router_of_the_peers_may_send_errors_about_packets_to_its_network()
    {
        using var tunnel = Between().Connected();
        var router = IpAddress.Parse("10.1.0.1");
        byte[] Error(IpAddress from, IpAddress about) => Packets.Ip(from, Packets.B4, 1,
            Packets.Checked([3, 1, 0, 0, 0, 0, 0, 0, .. Packets.Tcp(Packets.B4, about, Packets.Payload(8))]));
        tunnel.A.Send(Error(router, Packets.A4));
        Assert.Equal(Error(Seen.See(router), SeenA), Assert.Single(tunnel.B.WrittenPackets));
    }

    [Fact]
    public void A_neighbours_stand_in_is_not_to_be_had_as_a_source()
    {
        using var tunnel = Between();
        using var rogue = Tunnel.Between(a: sa => sa with { Local = [Tunnel.Prefix("0.0.0.0", 0)] });
        rogue.A.Forward = sent => tunnel.B.Receive(sent.Bytes, Tunnel.PathToA);
        foreach (var source in (string[])["198.19.0.5", "198.18.0.5", "10.9.0.1"])
            rogue.A.Send(Packets.Udp(IpAddress.Parse(source), Packets.B4, [1]));
        Assert.Equal("OutsideSelectors 3", tunnel.B.Drops);
        Assert.Empty(tunnel.B.Written);
    }

    [Fact]
    public void Too_big_is_said_in_the_words_of_who_asked()
    {
        using var tunnel = Between();
        tunnel.B.Send(Packets.Udp(Packets.B4, SeenA, Packets.Payload(3000)));
        var answer = Assert.Single(tunnel.B.WrittenPackets);
        Assert.True(IpPacket.TryRead(answer, out var ip));
        Assert.Equal((SeenA, Packets.B4, IpProtocol.Icmp), (ip.Source, ip.Destination, ip.Protocol));
        Assert.Equal(SeenA, IpAddress.Read(answer.AsSpan(20 + 8 + 16, 4)));
    }

    static Tunnel Between() => Tunnel.Between(b: sa => sa with { StandIns = [Seen] });
}
