using System.Runtime.InteropServices;

namespace Kuguru.Esp;

/// <summary>
/// What precedes every packet on a TUN device with IFF_VNET_HDR (struct virtio_net_hdr, host byte order): which checksum is still to be
/// computed and how a super-packet is to be cut.
/// </summary>
[StructLayout(LayoutKind.Sequential, Pack = 1)]
public struct VirtioNetHeader
{
    public const int Size = 10;

    /// <summary><see cref="Flags"/>: the checksum field holds only the pseudo header's sum.</summary>
    public const byte NeedsChecksum = 1;

    /// <summary>TUNSETOFFLOAD's word for it is TSO_ECN: congestion window reduced is in the first segment only.</summary>
    public const byte EcnBit = 0x80;

    public byte Flags;
    public byte GsoBits;
    public ushort HeaderLength;
    public ushort SegmentSize;
    public ushort ChecksumStart;
    public ushort ChecksumOffset;

    public readonly GsoType Gso => (GsoType)(GsoBits & ~EcnBit);
}

/// <summary>How a super-packet is to be cut (VIRTIO_NET_HDR_GSO_*).</summary>
public enum GsoType : byte
{
    None = 0,
    TcpV4 = 1,

    /// <summary>IP fragmentation of one UDP datagram: not asked for, so never seen.</summary>
    UdpFragmentation = 3,
    TcpV6 = 4,

    /// <summary>Several UDP datagrams of one size.</summary>
    UdpSegments = 5,
}
