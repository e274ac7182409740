using System.Buffers.Binary;
using Kuguru.Linux;
using Kuguru.Tests.Esp;
using Xunit;

namespace Kuguru.Tests.Linux;

/// <summary>What is sent as a whole IP packet arrives as one, octet by octet but for what AH does not cover.</summary>
public sealed class RawAhSocketTests
{
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_whole_IP_packet_goes_over_as_it_is(bool isV6)
    {
        using var hosts = new TwoHosts();
        using var a = hosts.A.Run(() => RawAhSocket.Open(new() { Address = TwoHosts.Any(isV6) }));
        using var b = hosts.B.Run(() => RawAhSocket.Open(new() { Address = TwoHosts.Any(isV6) }));
        var path = new Path(new(TwoHosts.AddressOfA(isV6), 0), new(TwoHosts.OtherOfB(isV6), 0));
        byte[][] packets = [.. Enumerable.Range(1, 10).Select(i => Whole(path, Packets.Payload(900 + i), (ushort)(i * 7)))];
        Send(a, path, packets);
        var next = 0;
        Waiting.Receive(b.Number, b.Receive, 10, (received, segment) =>
        {
            Assert.Equal(Covered(packets[next++]), Covered(received.Segment(segment).ToArray()));
            Assert.Equal(new(path.Remote, path.Local), received.Path);
            Assert.Equal(0x28, received.Tos);
        });
    }

    [Fact]
    public void IPv4_options_come_along()
    {
        using var hosts = new TwoHosts();
        using var a = hosts.A.Run(() => RawAhSocket.Open(new()));
        using var b = hosts.B.Run(() => RawAhSocket.Open(new()));
        var path = new Path(new(TwoHosts.AddressOfA(false), 0), new(TwoHosts.AddressOfB(false), 0));
        var packet = Packets.Ip(path.Local.Address, path.Remote.Address, 51, Packets.Payload(100), options: [1, 1, 1, 0]);
        Send(a, path, packet);
        Waiting.Receive(b.Number, b.Receive, 1, (received, segment) => Assert.Equal(Covered(packet), Covered(received.Segment(segment).ToArray())));
    }

    [Fact]
    public void Extension_headers_in_front_come_along_in_their_order()
    {
        using var hosts = new TwoHosts();
        using var a = hosts.A.Run(() => RawAhSocket.Open(new() { Address = IpAddress.AnyV6 }));
        using var b = hosts.B.Run(() => RawAhSocket.Open(new() { Address = IpAddress.AnyV6 }));
        var path = new Path(new(TwoHosts.AddressOfA(true), 0), new(TwoHosts.AddressOfB(true), 0));
        // Hop-by-hop options, destination options, then AH.
        byte[] behind = [60, 0, 1, 4, 0, 0, 0, 0, 51, 1, 0x1E, 12, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, .. Packets.Payload(100)];
        var packet = Packets.Ip(path.Local.Address, path.Remote.Address, 0, behind);
        Send(a, path, packet);
        Waiting.Receive(b.Number, b.Receive, 1, (received, segment) => Assert.Equal(Covered(packet), Covered(received.Segment(segment).ToArray())));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void The_kernel_puts_fragments_together(bool isV6)
    {
        using var hosts = new TwoHosts();
        using var a = hosts.A.Run(() => RawAhSocket.Open(new() { Address = TwoHosts.Any(isV6) }));
        using var b = hosts.B.Run(() => RawAhSocket.Open(new() { Address = TwoHosts.Any(isV6) }));
        var path = new Path(new(TwoHosts.AddressOfA(isV6), 0), new(TwoHosts.AddressOfB(isV6), 0));
        var data = Packets.Payload(2000);
        Send(a, path, Fragment(path, data, 0, 1200, last: false), Fragment(path, data, 1200, 800, last: true));
        var whole = Whole(path, data, 9);
        Waiting.Receive(b.Number, b.Receive, 1, (received, segment) => Assert.Equal(Covered(whole), Covered(received.Segment(segment).ToArray())));
    }

    static void Send(RawAhSocket socket, Path path, params byte[][] packets)
    {
        using var batch = new SendBatch();
        foreach (var packet in packets)
            Assert.True(batch.Append(path, packet));
        Assert.Equal(packets.Length, socket.Send(batch).Sent);
    }

    static byte[] Whole(Path path, byte[] payload, ushort identification) =>
        Packets.Ip(path.Local.Address, path.Remote.Address, 51, payload, identification, tos: 0x28, dontFragment: false);

    static byte[] Fragment(Path path, byte[] data, int from, int length, bool last)
    {
        if (path.Local.Address.IsV6)
        {
            byte[] header = [51, 0, 0, 0, 0, 0, 0, 77];
            BinaryPrimitives.WriteUInt16BigEndian(header.AsSpan(2), (ushort)(from | (last ? 0 : 1)));
            return Packets.Ip(path.Local.Address, path.Remote.Address, 44, [.. header, .. data[from..(from + length)]]);
        }
        var packet = Whole(path, data[from..(from + length)], 9);
        BinaryPrimitives.WriteUInt16BigEndian(packet.AsSpan(6), (ushort)(from / 8 | (last ? 0 : 0x2000)));
        return packet;
    }

    /// <summary>Without what may change on the way.</summary>
    static byte[] Covered(byte[] packet)
    {
        byte[] covered = [.. packet];
        foreach (var mutable in packet[0] >> 4 == 4 ? (int[])[1, 6, 7, 8, 10, 11] : [0, 1, 2, 3, 7])
            covered[mutable] = 0;
        return covered;
    }
}
