using System.Net;
using System.Net.Sockets;
using Kuguru.Linux;
using Xunit;

namespace Kuguru.Tests.Linux;

public sealed class UdpPortTests
{
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_datagram_says_which_of_our_addresses_it_came_to_and_an_answer_leaves_from_it(bool isV6)
    {
        using var hosts = new TwoHosts();
        using var a = hosts.A.Run(() => UdpPort.Open(new() { Address = TwoHosts.Any(isV6), Port = 500 }));
        using var b = hosts.B.Run(() => UdpPort.Open(new() { Address = TwoHosts.Any(isV6), Port = 4500 }));
        using var batch = new SendBatch();
        var toOther = new Path(new(TwoHosts.Any(isV6), 500), new(TwoHosts.OtherOfB(isV6), 4500));

        batch.Append(toOther, "question"u8);
        Assert.Equal(1, a.Send(batch).Sent);
        Waiting.Receive(b.Number, b.Receive, 1, (received, segment) =>
        {
            Assert.Equal("question"u8, received.Segment(segment));
            Assert.Equal(new(new(TwoHosts.OtherOfB(isV6), 4500), new(TwoHosts.AddressOfA(isV6), 500)), received.Path);
            batch.Append(received.Path, "answer"u8);
        });
        Assert.Equal(1, b.Send(batch).Sent);

        Waiting.Receive(a.Number, a.Receive, 1, (received, segment) =>
        {
            Assert.Equal("answer"u8, received.Segment(segment));
            Assert.Equal(toOther.Remote, received.Path.Remote);
        });
    }

    [Theory]
    [InlineData(false, true)]
    [InlineData(true, true)]
    [InlineData(false, false)]
    [InlineData(true, false)]
    public void A_run_of_equal_datagrams_leaves_as_one_message_and_arrives_whole(bool isV6, bool coalesced)
    {
        using var hosts = new TwoHosts();
        using var a = hosts.A.Run(() => UdpPort.Open(new() { Address = TwoHosts.Any(isV6), Port = 4500 }));
        using var b = hosts.B.Run(() => UdpPort.Open(new() { Address = TwoHosts.Any(isV6), Port = 4500, Offload = coalesced }));
        Assert.SkipUnless(a.Segments, "this kernel has no UDP_SEGMENT");
        using var batch = new SendBatch();
        var path = new Path(new(TwoHosts.AddressOfA(isV6), 4500), new(TwoHosts.AddressOfB(isV6), 4500));
        const int full = 40, length = 1400, last = 700;
        for (var i = 0; i <= full; i++)
        {
            var datagram = batch.Room(i < full ? length : last);
            datagram.Fill((byte)i);
            batch.Append(path, datagram.Length);
        }

        Assert.Equal(1, batch.Runs);
        Assert.Equal(full + 1, a.Send(batch).Sent);
        Assert.True(batch.IsEmpty);
        Assert.True(a.Segments);
        var (next, largest) = (0, 0);
        Waiting.Receive(b.Number, b.Receive, full + 1, (received, segment) =>
        {
            var datagram = received.Segment(segment);
            Assert.Equal(next < full ? length : last, datagram.Length);
            Assert.Equal(-1, datagram.IndexOfAnyExcept((byte)next));
            Assert.Equal(new(path.Remote, path.Local), received.Path);
            largest = Math.Max(largest, received.SegmentCount);
            next++;
        });
        Assert.Equal(coalesced ? full + 1 : 1, largest);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_run_whose_segments_exceed_the_path_MTU_goes_as_fragmented_datagrams(bool isV6)
    {
        using var hosts = new TwoHosts(mtu: 1280);
        using var a = hosts.A.Run(() => UdpPort.Open(new() { Address = TwoHosts.Any(isV6) }));
        using var b = hosts.B.Run(() => UdpPort.Open(new() { Address = TwoHosts.Any(isV6), Port = 4500 }));
        using var batch = new SendBatch();
        var path = new Path(new(TwoHosts.AddressOfA(isV6), a.Port), new(TwoHosts.AddressOfB(isV6), 4500));
        for (var i = 0; i < 5; i++)
        {
            batch.Room(1400).Fill((byte)i);
            batch.Append(path, 1400);
        }

        Assert.Equal(5, a.Send(batch).Sent);
        var sum = 0;
        Waiting.Receive(b.Number, b.Receive, 5, (received, segment) => sum += received.Segment(segment)[1399]);
        Assert.Equal(0 + 1 + 2 + 3 + 4, sum);
        Assert.True(a.Segments);
    }

    [Fact]
    public void Runs_end_where_the_path_or_the_length_or_the_TOS_changes()
    {
        using var batch = new SendBatch(65536, maxRuns: 5);
        var path = new Path(new(IpAddress.AnyV4, 4500), new(TwoHosts.B4, 4500));
        var other = path with { Remote = new(TwoHosts.OtherB4, 4500) };
        Append(path, 100, 100, 60);     // a shorter one ends the run
        Append(path, 60, 61);           // a longer one does not fit
        Append(other, 61);
        Assert.Equal(4, batch.Runs);
        batch.Append(other, new byte[61], tos: 3);
        Assert.Equal(5, batch.Runs);
        Assert.True(batch.Room(10).IsEmpty);
        Assert.False(batch.Append(path, "no more"u8));

        void Append(Path to, params int[] lengths)
        {
            foreach (var length in lengths)
                Assert.True(batch.Append(to, new byte[length]));
        }
    }

    [Fact]
    public void A_run_holds_64_segments_and_never_more_than_one_datagram_could()
    {
        using var batch = new SendBatch(2 * 65536);
        var path = new Path(new(IpAddress.AnyV4, 4500), new(TwoHosts.B4, 4500));
        for (var i = 0; i < 65; i++)
            batch.Append(path, new byte[10]);
        Assert.Equal(2, batch.Runs);

        batch.Clear();
        for (var i = 0; i < 46; i++)
            batch.Append(path, new byte[1436]);
        Assert.Equal(2, batch.Runs);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void The_TOS_octet_goes_over(bool isV6)
    {
        using var hosts = new TwoHosts();
        using var a = hosts.A.Run(() => UdpPort.Open(new() { Address = TwoHosts.Any(isV6) }));
        using var b = hosts.B.Run(() => UdpPort.Open(new() { Address = TwoHosts.Any(isV6), Port = 4500 }));
        using var batch = new SendBatch();
        const byte efAndEct = 0xb8 | 2;
        batch.Append(new(new(TwoHosts.Any(isV6), a.Port), new(TwoHosts.AddressOfB(isV6), 4500)), "x"u8, efAndEct);
        a.Send(batch);
        Waiting.Receive(b.Number, b.Receive, 1, (received, _) => Assert.Equal(efAndEct, received.Tos));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_closed_port_is_reported_and_does_not_stop_what_follows(bool isV6)
    {
        using var hosts = new TwoHosts();
        using var a = hosts.A.Run(() => UdpPort.Open(new() { Address = TwoHosts.Any(isV6), ReportErrors = true }));
        using var b = hosts.B.Run(() => UdpPort.Open(new() { Address = TwoHosts.Any(isV6), Port = 4500 }));
        using var batch = new SendBatch();
        using var arrivals = new ReceiveBatch();
        var closed = new Path(new(TwoHosts.Any(isV6), a.Port), new(TwoHosts.AddressOfB(isV6), 500));
        batch.Append(closed, "x"u8);
        a.Send(batch);
        Waiting.Until(a.Number, PollEvents.None);
        Assert.Equal(0, a.Receive(arrivals));

        Assert.True(a.TryReadError(out var error));
        Assert.Equal(new(closed.Remote, TwoHosts.AddressOfB(isV6), Errno.ECONNREFUSED,
            Type: isV6 ? (byte)1 : (byte)3, Code: isV6 ? (byte)4 : (byte)3, Mtu: 0), error);
        Assert.False(a.TryReadError(out _));

        batch.Append(closed, "x"u8);
        a.Send(batch);
        Waiting.Until(a.Number, PollEvents.None);
        batch.Append(closed with { Remote = new(TwoHosts.AddressOfB(isV6), 4500) }, "open"u8);
        var outcome = a.Send(batch);
        Assert.Equal((1, 0), (outcome.Sent, outcome.Unsent));
        Waiting.Receive(b.Number, b.Receive, 1, (received, segment) => Assert.Equal("open"u8, received.Segment(segment)));
    }

    [Fact]
    public void What_the_kernel_refuses_is_counted()
    {
        using var hosts = new TwoHosts();
        using var a = hosts.A.Run(() => UdpPort.Open(new()));
        using var batch = new SendBatch();
        batch.Append(new(new(IpAddress.AnyV4, a.Port), new(IpAddress.Parse("198.51.100.1"), 500)), "no route"u8);
        batch.Append(new(new(IpAddress.AnyV4, a.Port), new(TwoHosts.B4, 500)), "route"u8);
        var outcome = a.Send(batch);
        Assert.Equal((1, 1, Errno.ENETUNREACH), (outcome.Sent, outcome.Unsent, outcome.Error));
    }

    [Fact]
    public void A_port_in_use_is_named()
    {
        using var hosts = new TwoHosts();
        hosts.A.Run(() =>
        {
            using var first = UdpPort.Open(new() { Port = 500 });
            var e = Assert.Throws<LinuxException>(() => UdpPort.Open(new() { Port = 500 }));
            Assert.Equal("udp/500 on 0.0.0.0 is in use by another program (another IKE daemon?) [bind: EADDRINUSE]", e.Message);
            Assert.Equal(("bind", Errno.EADDRINUSE), (e.Call, e.Errno));
        });
    }

    [Fact]
    public void IPv4_and_IPv6_share_a_port()
    {
        using var hosts = new TwoHosts();
        hosts.A.Run(() =>
        {
            using var v4 = UdpPort.Open(new() { Port = 500 });
            using var v6 = UdpPort.Open(new() { Port = 500, Address = IpAddress.AnyV6 });
        });
    }

    [Fact]
    public void An_address_that_is_not_ours_is_named()
    {
        using var hosts = new TwoHosts();
        var e = Assert.Throws<LinuxException>(() => hosts.A.Run(() => UdpPort.Open(new() { Port = 500, Address = TwoHosts.B4 })));
        Assert.Equal("cannot listen on udp/500 on 10.9.0.2: this host does not have the address [bind: EADDRNOTAVAIL]", e.Message);
    }

    [Fact]
    public void Without_the_right_the_message_says_which_one_is_missing()
    {
        using var hosts = new TwoHosts();
        hosts.A.Run(() =>
        {
            Capabilities.DropAll();
            Assert.Equal("no right to listen on udp/500 on 0.0.0.0: run as root or give CAP_NET_BIND_SERVICE [bind: EACCES]",
                Assert.Throws<LinuxException>(() => UdpPort.Open(new() { Port = 500 })).Message);
            Assert.Equal("no right to mark our own packets (SO_MARK): run as root or give CAP_NET_ADMIN [setsockopt: EPERM]",
                Assert.Throws<LinuxException>(() => UdpPort.Open(new() { Mark = 1 })).Message);
            Assert.Equal("no right to open a raw socket for ESP: run as root or give CAP_NET_RAW [socket: EPERM]",
                Assert.Throws<LinuxException>(() => RawEspSocket.Open(new())).Message);
        });
    }

    [Fact]
    public void With_DF_what_is_too_big_is_refused_and_the_path_MTU_told()
    {
        using var hosts = new TwoHosts(mtu: 1280);
        using var a = hosts.A.Run(() => UdpPort.Open(new() { PathMtu = PathMtu.Do, ReportErrors = true }));
        using var batch = new SendBatch();
        var path = new Path(new(IpAddress.AnyV4, a.Port), new(TwoHosts.B4, 500));
        batch.Append(path, new byte[1280 - 28 + 1]);
        Assert.Equal(Errno.EMSGSIZE, a.Send(batch).Error);
        Assert.True(a.TryReadError(out var error));
        Assert.Equal(new(path.Remote with { Port = 0 }, Reporter: null, Errno.EMSGSIZE, Type: 0, Code: 0, Mtu: 1280), error);
        batch.Append(path, new byte[1280 - 28]);
        Assert.Equal(1, a.Send(batch).Sent);
    }

    [Fact]
    public void A_zero_checksum_is_sent_when_asked_for()
    {
        using var hosts = new TwoHosts();
        using var plain = hosts.A.Run(() => UdpPort.Open(new()));
        using var zero = hosts.A.Run(() => UdpPort.Open(new() { ZeroChecksum = true }));
        using var raw = hosts.B.Run(() => new Socket(AddressFamily.InterNetwork, SocketType.Raw, ProtocolType.Udp) { ReceiveTimeout = 5000 });
        raw.Bind(new IPEndPoint(IPAddress.Any, 0));
        Assert.False(zero.Segments);
        Assert.NotEqual(0, ChecksumFrom(plain));
        Assert.Equal(0, ChecksumFrom(zero));

        int ChecksumFrom(UdpPort port)
        {
            using var batch = new SendBatch();
            var path = new Path(new(IpAddress.AnyV4, port.Port), new(TwoHosts.B4, 4500));
            batch.Append(path, "x"u8);
            Assert.Equal(1, port.Send(batch).Sent);
            var packet = new byte[100];
            EndPoint any = new IPEndPoint(IPAddress.Any, 0);
            raw.ReceiveFrom(packet, ref any);
            return packet[26] << 8 | packet[27];
        }
    }

    [Fact]
    public void Sending_and_receiving_allocate_nothing()
    {
        using var hosts = new TwoHosts();
        using var a = hosts.A.Run(() => UdpPort.Open(new()));
        using var b = hosts.B.Run(() => UdpPort.Open(new() { Port = 4500 }));
        using var outgoing = new SendBatch();
        using var incoming = new ReceiveBatch();
        var path = new Path(new(TwoHosts.A4, a.Port), new(TwoHosts.B4, 4500));
        Exchange(10);
        var before = GC.GetAllocatedBytesForCurrentThread();
        var octets = Exchange(100);
        Assert.Equal(before, GC.GetAllocatedBytesForCurrentThread());
        Assert.Equal(100 * 8 * 1000, octets);

        int Exchange(int rounds)
        {
            var octets = 0;
            for (var round = 0; round < rounds; round++)
            {
                for (var i = 0; i < 8; i++)
                {
                    _ = outgoing.Room(1000);
                    outgoing.Append(path, 1000);
                }
                a.Send(outgoing);
                // On veth a datagram is in the receiver's buffer when the call returns, or soon after.
                for (var have = 0; have < 8 * 1000;)
                {
                    var count = b.Receive(incoming);
                    for (var i = 0; i < count; i++)
                        have += incoming[i].Length;
                    octets += count == 0 ? 0 : Sum(count);
                }
            }
            return octets;
        }

        int Sum(int count)
        {
            var sum = 0;
            for (var i = 0; i < count; i++)
                sum += incoming[i].Length;
            return sum;
        }
    }
}
