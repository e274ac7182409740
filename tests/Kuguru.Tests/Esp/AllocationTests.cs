using Kuguru.Crypto;
using Kuguru.Esp;
using Xunit;

namespace Kuguru.Tests.Esp;

/// <summary>The packet path allocates nothing a packet, whichever way it takes.</summary>
public sealed class AllocationTests
{
    public static TheoryData<EncryptionAlgorithm, int, IntegrityAlgorithm> Suites() => new()
    {
        { EncryptionAlgorithm.AesGcm16, 128, IntegrityAlgorithm.None },
        { EncryptionAlgorithm.ChaCha20Poly1305, 0, IntegrityAlgorithm.None },
        { EncryptionAlgorithm.AesCbc, 256, IntegrityAlgorithm.HmacSha2_256_128 },
        { EncryptionAlgorithm.AesCtr, 128, IntegrityAlgorithm.HmacSha1_96 },
    };

    [Theory]
    [MemberData(nameof(Suites))]
    public void Sealing_and_opening_allocate_nothing(EncryptionAlgorithm encryption, int bits, IntegrityAlgorithm integrity)
    {
        using var tunnel = Tunnel.Between(Tunnel.Suite(encryption, bits, integrity), Coalescing.TcpAndUdp, b: sa => sa with { ReplayWindow = 0 });
        tunnel.A.Table.InstallTrap(new(9, [Tunnel.Prefix("10.1.0.0", 16)], [Tunnel.Prefix("10.77.0.0", 16)]));
        (byte[] Packet, VirtioNetHeader Header)[] packets =
        [
            (Packets.Udp(Packets.A4, Packets.B4, Packets.Payload(100)), default),
            (Packets.Udp(Packets.A6, Packets.B6, Packets.Payload(1000)), default),
            (Packets.Tcp(Packets.A4, Packets.B4, Packets.Payload(20_000)), Cut(GsoType.TcpV4, 20)),
            (Packets.Tcp(Packets.A6, Packets.B6, Packets.Payload(20_000)), Cut(GsoType.TcpV6, 40)),
            (Packets.Tcp(Packets.A4, Packets.B4, [], flags: Packets.Syn, options: [2, 4, 5, 0xB4]), default),
            (Packets.Udp(Packets.A4, Packets.B4, Packets.Payload(3000)), default),
            (Packets.Udp(Packets.A4, Packets.B4, Packets.Payload(3000), dontFragment: false), default),
            (Packets.Udp(Packets.A4, IpAddress.Parse("10.88.0.1"), Packets.Payload(30)), default),
            (Packets.Udp(Packets.A4, IpAddress.Parse("10.77.0.1"), Packets.Payload(30)), default),
        ];
        foreach (var (packet, header) in packets)
            tunnel.A.Send(packet, header);
        var sent = tunnel.A.Sent.ToArray();
        (tunnel.A.Remembers, tunnel.B.Remembers) = (false, false);
        void Round()
        {
            foreach (var (packet, header) in packets)
                tunnel.A.Send(packet, header);
            foreach (var one in sent)
                tunnel.B.Receive(one.Bytes, Tunnel.PathToA);
            tunnel.B.Receive(sent[0].Bytes.AsSpan()[..^4]);
        }
        for (var i = 0; i < 50; i++)
            Round();
        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < 200; i++)
            Round();
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
    }

    static VirtioNetHeader Cut(GsoType type, ushort transportAt) =>
        new() { Flags = 1, GsoBits = (byte)type, SegmentSize = 1300, ChecksumStart = transportAt, ChecksumOffset = 16 };
}
