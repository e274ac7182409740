using System.Buffers.Binary;
using Kuguru.Tests.Esp;
using Kuguru.Wire;
using Xunit;

namespace Kuguru.Tests.Wire;

public sealed class ReaddressTests
{
    static readonly IpAddress C4 = IpAddress.Parse("198.18.7.1"), D4 = IpAddress.Parse("203.0.113.77");
    static readonly IpAddress C6 = IpAddress.Parse("fd6b::ffff:1"), D6 = IpAddress.Parse("2001:db8::7");

    public static TheoryData<string, byte[], byte[]> Kinds() => new()
    {
        { "TCP", Packets.Tcp(Packets.A4, Packets.B4, Packets.Payload(33)), Packets.Tcp(C4, D4, Packets.Payload(33)) },
        { "TCP over IPv6", Packets.Tcp(Packets.A6, Packets.B6, Packets.Payload(33)), Packets.Tcp(C6, D6, Packets.Payload(33)) },
        { "UDP", Packets.Udp(Packets.A4, Packets.B4, Packets.Payload(7)), Packets.Udp(C4, D4, Packets.Payload(7)) },
        { "UDP over IPv6", Packets.Udp(Packets.A6, Packets.B6, Packets.Payload(7)), Packets.Udp(C6, D6, Packets.Payload(7)) },
        { "UDP without checksum", WithoutChecksum(Packets.Udp(Packets.A4, Packets.B4, [1, 2])), WithoutChecksum(Packets.Udp(C4, D4, [1, 2])) },
        { "ICMPv6", Icmp6(Packets.A6, Packets.B6, [128, 0, 0, 0, 1, 2, 3, 4]), Icmp6(C6, D6, [128, 0, 0, 0, 1, 2, 3, 4]) },
        { "ICMP has no pseudo header", Packets.Ip(Packets.A4, Packets.B4, 1, [8, 0, 0x11, 0x22, 1, 2, 3, 4]), Packets.Ip(C4, D4, 1, [8, 0, 0x11, 0x22, 1, 2, 3, 4]) },
        { "GRE has none", Packets.Ip(Packets.A4, Packets.B4, 47, Packets.Payload(40)), Packets.Ip(C4, D4, 47, Packets.Payload(40)) },
        { "TCP too short for a checksum", Packets.Ip(Packets.A4, Packets.B4, 6, Packets.Payload(17)), Packets.Ip(C4, D4, 6, Packets.Payload(17)) },
    };

    [Theory]
    [MemberData(nameof(Kinds))]
    public void Addresses_change_and_checksums_follow(string kind, byte[] before, byte[] after)
    {
        Assert.True(IpPacket.TryRead(before, out var ip), kind);
        Readdress.Packet(before, ip, ip.IsV6 ? C6 : C4, ip.IsV6 ? D6 : D4);
        Assert.Equal(after, before);
    }

    [Fact]
    public void A_wrong_checksum_stays_wrong()
    {
        var packet = Packets.Tcp(Packets.A4, Packets.B4, Packets.Payload(33));
        packet[^1] ^= 1;
        Assert.True(IpPacket.TryRead(packet, out var ip));
        Readdress.Packet(packet, ip, C4, D4);
        Assert.NotEqual(0, Packets.SegmentChecksum(C4, D4, 6, packet.AsSpan(20)));
    }

    [Fact]
    public void Only_the_first_fragment_has_a_checksum()
    {
        var whole = Packets.Udp(Packets.A4, Packets.B4, Packets.Payload(40));
        byte[] later = [.. whole];
        BinaryPrimitives.WriteUInt16BigEndian(later.AsSpan(6), 3);
        Assert.True(IpPacket.TryRead(later, out var ip));
        Readdress.Packet(later, ip, C4, D4);
        Assert.Equal(whole[20..], later[20..]);
        Assert.True(IpPacket.TryRead(later, out ip));
        Assert.Equal((C4, D4), (ip.Source, ip.Destination));
    }

    /// <summary>What an ICMP error quotes went the other way: here from B to A, about whom C hears.</summary>
    [Theory]
    [InlineData(false, 1000)]
    [InlineData(true, 1000)]
    [InlineData(false, 8)]
    [InlineData(true, 8)]
    public void An_ICMP_error_names_the_flow_in_the_same_words(bool ip6, int quotedPayload)
    {
        var (a, b, c, d) = ip6 ? (Packets.A6, Packets.B6, C6, D6) : (Packets.A4, Packets.B4, C4, D4);
        byte[] Error(IpAddress from, IpAddress to)
        {
            var quoted = Packets.Udp(to, from, Packets.Payload(quotedPayload))[..((ip6 ? 40 : 20) + 8)];
            return ip6 ? Icmp6(from, to, [1, 4, 0, 0, 0, 0, 0, 0, .. quoted]) : Packets.Ip(from, to, 1, Packets.Checked([3, 3, 0, 0, 0, 0, 0, 0, .. quoted]));
        }
        var packet = Error(a, b);
        Assert.True(IpPacket.TryRead(packet, out var ip));
        Assert.True(Readdress.TryQuoted(packet, ip, out var source, out var destination));
        Assert.Equal((b, a), (source, destination));
        Readdress.Quoted(packet, ip, d, c);
        Readdress.Packet(packet, ip, c, d);
        Assert.Equal(Error(c, d), packet);
    }

    /// <summary>Mending a checksum behind a header that says it is shorter than any would write over its addresses.</summary>
    [Theory]
    [InlineData(0x40)]
    [InlineData(0x44)]
    [InlineData(0x65)]
    public void An_error_that_quotes_what_is_no_header_is_left_alone(byte first)
    {
        var quoted = Packets.Tcp(Packets.B4, Packets.A4, Packets.Payload(8));
        quoted[0] = first;
        var packet = Packets.Ip(Packets.A4, Packets.B4, 1, Packets.Checked([3, 3, 0, 0, 0, 0, 0, 0, .. quoted]));
        Assert.True(IpPacket.TryRead(packet, out var ip));
        Assert.False(Readdress.TryQuoted(packet, ip, out _, out _));
    }

    [Fact]
    public void Nothing_that_a_peer_sends_makes_it_throw()
    {
        var random = new Random(7);
        byte[][] seeds =
        [
            Packets.Tcp(Packets.A4, Packets.B4, Packets.Payload(30)), Packets.Udp(Packets.A6, Packets.B6, Packets.Payload(30)),
            Packets.Ip(Packets.A4, Packets.B4, 1, Packets.Checked([3, 4, 0, 0, 0, 0, 0, 0, .. Packets.Tcp(Packets.B4, Packets.A4, Packets.Payload(8))])),
            Icmp6(Packets.A6, Packets.B6, [2, 0, 0, 0, 0, 0, 0, 0, .. Packets.Tcp(Packets.B6, Packets.A6, Packets.Payload(8))]),
        ];
        var read = 0;
        for (var i = 0; i < 100_000; i++)
        {
            byte[] packet = [.. seeds[i % seeds.Length]];
            for (var change = random.Next(6); change >= 0; change--)
                packet[random.Next(packet.Length)] = (byte)random.Next(256);
            if (!IpPacket.TryRead(packet.AsSpan(0, i % 3 == 0 ? random.Next(packet.Length + 1) : packet.Length), out var ip))
                continue;
            read++;
            var (source, destination) = ip.IsV6 ? (C6, D6) : (C4, D4);
            if (Readdress.TryQuoted(packet, ip, out _, out _))
                Readdress.Quoted(packet, ip, source, destination);
            Readdress.Packet(packet, ip, source, destination);
            Assert.True(IpPacket.TryRead(packet.AsSpan(0, ip.Length), out var after));
            Assert.Equal((source, destination), (after.Source, after.Destination));
        }
        Assert.True(read > 10_000, $"only {read} were packets");
    }

    static byte[] WithoutChecksum(byte[] udp)
    {
        udp.AsSpan(26, 2).Clear();
        return udp;
    }

    static byte[] Icmp6(IpAddress source, IpAddress destination, byte[] message)
    {
        BinaryPrimitives.WriteUInt16BigEndian(message.AsSpan(2), Packets.SegmentChecksum(source, destination, 58, message));
        return Packets.Ip(source, destination, 58, message);
    }
}
