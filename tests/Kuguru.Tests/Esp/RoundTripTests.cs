using Kuguru.Crypto;
using Kuguru.Esp;
using Kuguru.Wire;
using Xunit;

namespace Kuguru.Tests.Esp;

public sealed class RoundTripTests
{
    public static TheoryData<EncryptionAlgorithm, int, IntegrityAlgorithm, bool> Suites()
    {
        var all = new TheoryData<EncryptionAlgorithm, int, IntegrityAlgorithm, bool>();
        foreach (var esn in (bool[])[false, true])
        {
            foreach (var bits in (int[])[128, 192, 256])
            {
                all.Add(EncryptionAlgorithm.AesGcm16, bits, IntegrityAlgorithm.None, esn);
                all.Add(EncryptionAlgorithm.AesCtr, bits, IntegrityAlgorithm.HmacSha2_256_128, esn);
                all.Add(EncryptionAlgorithm.AesCbc, bits, IntegrityAlgorithm.HmacSha1_96, esn);
            }
            all.Add(EncryptionAlgorithm.ChaCha20Poly1305, 0, IntegrityAlgorithm.None, esn);
            all.Add(EncryptionAlgorithm.AesCbc, 128, IntegrityAlgorithm.HmacSha2_256_128, esn);
            all.Add(EncryptionAlgorithm.AesCbc, 256, IntegrityAlgorithm.HmacSha2_384_192, esn);
            all.Add(EncryptionAlgorithm.AesCbc, 256, IntegrityAlgorithm.HmacSha2_512_256, esn);
            all.Add(EncryptionAlgorithm.Null, 0, IntegrityAlgorithm.HmacSha2_256_128, esn);
        }
        return all;
    }

    [Theory]
    [MemberData(nameof(Suites))]
    public void What_goes_in_at_one_end_comes_out_at_the_other(EncryptionAlgorithm encryption, int bits, IntegrityAlgorithm integrity, bool esn)
    {
        using var tunnel = Tunnel.Between(Tunnel.Suite(encryption, bits, integrity, esn)).Connected();
        List<byte[]> packets = [];
        for (var length = 0; length < 70; length++)
        {
            packets.Add(Packets.Udp(Packets.A4, Packets.B4, Packets.Payload(length)));
            packets.Add(Packets.Udp(Packets.A6, Packets.B6, Packets.Payload(length)));
        }
        packets.Add(Packets.Tcp(Packets.A4, Packets.B4, Packets.Payload(1300)));
        packets.Add(Packets.Tcp(Packets.A6, Packets.B6, Packets.Payload(1300)));
        foreach (var packet in packets)
            tunnel.A.Send(packet);
        Assert.Equal("", tunnel.A.Drops);
        Assert.Equal("", tunnel.B.Drops);
        Assert.Equal(packets, tunnel.B.WrittenPackets);
        Assert.All(tunnel.B.Written, written => Assert.Equal(default, written.Header));
    }

    [Fact]
    public void Sealed_packets_have_our_spi_numbers_from_1_and_the_length_of_the_suite()
    {
        using var tunnel = Tunnel.Between();
        tunnel.A.Send(Packets.Udp(Packets.A4, Packets.B4, Packets.Payload(100)));
        tunnel.A.Send(Packets.Udp(Packets.A4, Packets.B4, Packets.Payload(101)));
        Assert.Equal(2, tunnel.A.Sent.Count);
        Assert.True(EspHeader.TryRead(tunnel.A.Sent[0].Bytes, out var first));
        Assert.True(EspHeader.TryRead(tunnel.A.Sent[1].Bytes, out var second));
        Assert.Equal(new EspHeader(Tunnel.SpiOfB, 1), first);
        Assert.Equal(new EspHeader(Tunnel.SpiOfB, 2), second);
        Assert.Equal(8 + 8 + 132 + 16, tunnel.A.Sent[0].Bytes.Length);
        Assert.Equal(Tunnel.PathToB, tunnel.A.Sent[0].Route.Path);
    }

    [Fact]
    public void Usage_counts_inner_octets_at_both_ends()
    {
        var (here, there) = (new SaUsage(), new SaUsage());
        using var tunnel = Tunnel.Between(a: sa => sa with { Usage = here }, b: sa => sa with { Usage = there }).Connected();
        tunnel.A.Send(Packets.Udp(Packets.A4, Packets.B4, Packets.Payload(100)));
        tunnel.A.Send(Packets.Udp(Packets.A4, Packets.B4, Packets.Payload(22)));
        Assert.Equal((2, 178), (here.OutboundPackets, here.OutboundBytes));
        Assert.Equal((2, 178), (there.InboundPackets, there.InboundBytes));
        Assert.Equal(tunnel.A.Now, here.LastOutbound);
        Assert.Equal(tunnel.B.Now, there.LastInbound);
        Assert.Null(here.LastInbound);
    }

    [Fact]
    public void A_segmented_packet_arrives_as_its_segments_and_a_burst_of_them_is_taken_at_once()
    {
        using var tunnel = Tunnel.Between();
        for (var i = 0; i < 5; i++)
            tunnel.A.Send(Packets.Udp(Packets.A4, Packets.B4, Packets.Payload(i == 4 ? 50 : 200, from: i)));
        byte[] burst = [.. tunnel.A.Sent.SelectMany(sent => sent.Bytes)];
        tunnel.B.Inbound.Add(burst, tunnel.A.Sent[0].Bytes.Length, new Arrival(Tunnel.PathToA, true, 0, tunnel.B.Now));
        Assert.Equal(5, tunnel.B.Written.Count);
        Assert.Equal("", tunnel.B.Drops);
    }

    [Fact]
    public void A_burst_of_several_sas_and_of_nobody_is_told_apart()
    {
        using var tunnel = Tunnel.Between();
        tunnel.A.Table.Install(Tunnel.AtA(Tunnel.Gcm128, generation: 1));
        tunnel.B.Table.Install(Tunnel.AtB(Tunnel.Gcm128, generation: 1));
        var packet = Packets.Udp(Packets.A4, Packets.B4, Packets.Payload(64));
        tunnel.A.Send(packet);
        tunnel.A.Table.Use(Tunnel.SpiOfA);
        tunnel.A.Send(packet);
        var (newer, older) = (tunnel.A.Sent[0].Bytes, tunnel.A.Sent[1].Bytes);
        Assert.NotEqual(newer[..4], older[..4]);
        byte[] stranger = [9, 9, 9, 9, .. older[4..]];
        byte[] burst = [.. newer, .. stranger, .. older, .. newer];
        tunnel.B.Inbound.Add(burst, newer.Length, new Arrival(Tunnel.PathToA, true, 0, tunnel.B.Now));
        Assert.Equal([packet, packet], tunnel.B.WrittenPackets);
        Assert.Equal("UnknownSpi 1, Replayed 1", tunnel.B.Drops);
    }
}
