using Kuguru.Crypto;
using Kuguru.Esp;
using Kuguru.Wire;
using Xunit;

namespace Kuguru.Tests.Esp;

/// <summary>Nothing that comes in makes the packet path throw, and nothing that is not whole comes out.</summary>
public sealed class HostileTests
{
    [Fact]
    public void Strangers_packets_are_dropped_whatever_they_hold()
    {
        var random = new Random(5);
        using var tunnel = Tunnel.Between(coalescing: Coalescing.TcpAndUdp);
        tunnel.A.Send(Packets.Tcp(Packets.A4, Packets.B4, Packets.Payload(300)));
        var good = tunnel.A.Sent[0].Bytes;
        for (var i = 0; i < 30_000; i++)
        {
            byte[] esp = [.. good[..random.Next(good.Length + 1)]];
            if (random.Next(3) == 0)
                esp = [.. esp, .. Packets.Payload(random.Next(2000))];
            for (var k = random.Next(4); k > 0 && esp.Length > 8; k--)
                esp[random.Next(8, esp.Length)] ^= (byte)random.Next(1, 256);
            if (!esp.AsSpan().SequenceEqual(good))
                tunnel.B.Inbound.Add(esp, random.Next(1, 3000), new Arrival(Tunnel.PathToA, true, (byte)random.Next(256), tunnel.B.Now));
        }
        tunnel.B.Inbound.Flush();
        Assert.Empty(tunnel.B.Written);
        Assert.All(tunnel.B.Reports(), report => Assert.IsType<EspReport.UnknownSpi>(report));
        tunnel.B.Receive(good);
        Assert.Single(tunnel.B.Written);
    }

    /// <summary>A peer with keys is trusted with no more than its selectors: NULL encryption lets a mutated inside be authentic.</summary>
    [Theory]
    [InlineData(Coalescing.None)]
    [InlineData(Coalescing.TcpAndUdp)]
    public void A_peer_that_mutates_what_is_inside_gets_only_sound_packets_through(Coalescing coalescing)
    {
        var random = new Random(6);
        var suite = Tunnel.Gcm128;
        using var end = new End(coalescing);
        end.Table.Install(Tunnel.AtB(suite));
        using var sealer = EspSealer.Create(suite, Tunnel.Keys(suite, 2), new TestDice());
        byte[][] seeds =
        [
            Packets.Tcp(Packets.A4, Packets.B4, Packets.Payload(100), flags: Packets.Syn, options: [2, 4, 5, 0xB4, 1, 1, 4, 2]),
            Packets.Tcp(Packets.A4, Packets.B4, Packets.Payload(100)),
            Packets.Tcp(Packets.A6, Packets.B6, Packets.Payload(100), options: [2, 4, 5, 0xB4, 1, 1, 4, 2], flags: Packets.Syn),
            Packets.Udp(Packets.A6, Packets.B6, Packets.Payload(100)),
            Packets.Udp(Packets.A4, Packets.B4, Packets.Payload(100)),
            Packets.Ip(Packets.A6, Packets.B6, 0, [43, 0, 1, 4, 0, 0, 0, 0, 44, 0, 1, 4, 0, 0, 0, 0, 6, 0, 0, 1, 0, 0, 0, 9, .. Packets.Payload(40)]),
        ];
        var esp = new byte[2000];
        for (var i = 1ul; i <= 60_000; i++)
        {
            byte[] inner = [.. seeds[random.Next(seeds.Length)]];
            for (var k = random.Next(5); k > 0; k--)
                inner[random.Next(Math.Min(inner.Length, 80))] = (byte)random.Next(256);
            inner = inner[..(random.Next(4) == 0 ? random.Next(1, inner.Length) : inner.Length)];
            var padding = (4 - (inner.Length + 2) % 4) % 4;
            byte[] plaintext = [.. inner, .. Enumerable.Range(1, padding).Select(n => (byte)n), (byte)padding, (byte)(inner[0] >> 4 == 6 ? 41 : 4)];
            var length = sealer.Seal(Tunnel.SpiOfB.Value, i, plaintext, esp);
            end.Inbound.Add(esp.AsSpan(0, length), new Arrival(Tunnel.PathToA, true, (byte)random.Next(256), end.Now));
            if (random.Next(20) == 0)
                end.Inbound.Flush();
        }
        end.Inbound.Flush();
        Assert.NotEmpty(end.Written);
        Assert.All(end.WrittenPackets, packet =>
        {
            Assert.True(IpPacket.TryRead(packet, out var ip));
            Assert.Equal(packet.Length, ip.Length);
            Assert.Contains(Tunnel.SelectorsOfA, selector => selector.Range.Contains(ip.Source));
            Assert.Contains(Tunnel.SelectorsOfB, selector => selector.Range.Contains(ip.Destination));
        });
    }

    /// <summary>The TUN device is our own kernel's, yet whatever it says nothing is read or written beyond the packet.</summary>
    [Fact]
    public void Nonsense_from_the_tun_device_is_dropped_or_carried_but_never_thrown()
    {
        var random = new Random(7);
        using var tunnel = Tunnel.Between(a: sa => sa with { OuterMtu = 1500 });
        byte[][] seeds =
        [
            Packets.Tcp(Packets.A4, Packets.B4, Packets.Payload(3000)),
            Packets.Tcp(Packets.A6, Packets.B6, Packets.Payload(3000)),
            Packets.Udp(Packets.A4, Packets.B4, Packets.Payload(3000)),
            Packets.Udp(Packets.A6, Packets.B6, Packets.Payload(100)),
        ];
        Span<byte> header = stackalloc byte[VirtioNetHeader.Size];
        for (var i = 0; i < 30_000; i++)
        {
            byte[] packet = [.. seeds[random.Next(seeds.Length)]];
            for (var k = random.Next(3); k > 0; k--)
                packet[random.Next(60)] = (byte)random.Next(256);
            var length = random.Next(3) == 0 ? random.Next(packet.Length) : packet.Length;
            random.NextBytes(header);
            header[0] = (byte)random.Next(2);
            header[1] = (byte)(random.Next(6) | (random.Next(4) == 0 ? 0x80 : 0));
            if (random.Next(2) == 0)
                (header[3], header[5], header[6], header[7], header[8], header[9]) = (0, (byte)random.Next(6), 20, 0, 16, 0);
            header.CopyTo(tunnel.A.Outbound.Buffer);
            packet.CopyTo(tunnel.A.Outbound.Buffer[VirtioNetHeader.Size..]);
            tunnel.A.Outbound.Add(VirtioNetHeader.Size + length, tunnel.A.Now);
        }
        Assert.NotEmpty(tunnel.A.Sent);
        Assert.All(tunnel.A.Sent, sent => Assert.InRange(sent.Bytes.Length, 40, 1472));
        foreach (var sent in tunnel.A.Sent)
            tunnel.B.Inbound.Add(sent.Bytes, new Arrival(Tunnel.PathToA, true, 0, tunnel.B.Now));
        Assert.Equal(0, tunnel.B.Inbound.Drops[Drop.NotAuthentic] + tunnel.B.Inbound.Drops[Drop.BadPadding] + tunnel.B.Inbound.Drops[Drop.BadInnerPacket]);
    }

    [Fact]
    public void The_largest_packets_go_through()
    {
        using var tunnel = Tunnel.Between(a: sa => sa with { OuterMtu = 65_535 }).Connected();
        var packet = Packets.Ip(Packets.A4, Packets.B4, 253, Packets.Payload(65_400));
        tunnel.A.Send(packet);
        Assert.Equal([packet], tunnel.B.WrittenPackets);
        tunnel.A.Send(Packets.Ip(Packets.A4, Packets.B4, 253, Packets.Payload(65_515), dontFragment: false));
        Assert.Equal("", tunnel.A.Drops);
        Assert.Equal("", tunnel.B.Drops);
        Assert.Equal(3, tunnel.B.Written.Count);
    }
}
