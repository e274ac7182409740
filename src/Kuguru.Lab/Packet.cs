using System.Buffers.Binary;
using Kuguru.Wire;

namespace Kuguru.Lab;

/// <summary>An IP packet as a value; ports are zero for what has none. <see cref="Payload"/> is what follows the UDP header, or the IP header.</summary>
public sealed record Packet(IpProtocol Protocol, Endpoint From, Endpoint To, Blob Payload)
{
    public byte HopLimit { get; init; } = 64;
    public bool DontFragment { get; init; }

    /// <summary>Of the IPv4 header; AH covers it.</summary>
    public ushort Identification { get; init; }

    /// <summary>It was too big for a link on its way and travels in pieces from there on.</summary>
    public bool IsFragmented { get; init; }

    /// <summary>Its line in the transcript.</summary>
    public Crossing? Crossing { get; init; }

    /// <summary>Octets, IP header included.</summary>
    public int Length => HeaderLength + (Protocol == IpProtocol.Udp ? UdpHeader.Size : 0) + Payload.Length;

    int HeaderLength => From.Address.IsV6 ? Ipv6.Size : Ipv4.MinSize;

    public static Packet Udp(Endpoint from, Endpoint to, Blob payload) => new(IpProtocol.Udp, from, to, payload);
    public static Packet Esp(IpAddress from, IpAddress to, Blob payload) => new(IpProtocol.Esp, new(from, 0), new(to, 0), payload);

    /// <summary>The octets of the packet, with every checksum, as they go into a tunnel.</summary>
    public byte[] ToBytes()
    {
        var bytes = new byte[Length];
        if (From.Address.IsV6)
            Ipv6.Write(bytes, From.Address, To.Address, Protocol, Length - HeaderLength, hopLimit: HopLimit);
        else
            Ipv4.Write(bytes, From.Address, To.Address, Protocol, Length, identification: Identification, dontFragment: DontFragment, timeToLive: HopLimit);
        var body = bytes.AsSpan(HeaderLength);
        if (Protocol == IpProtocol.Udp)
        {
            new UdpHeader(From.Port, To.Port, (ushort)body.Length, 0).Write(body);
            Payload.Span.CopyTo(body[UdpHeader.Size..]);
            BinaryPrimitives.WriteUInt16BigEndian(body[UdpHeader.ChecksumAt..], Checksum.OfSegment(From.Address, To.Address, Protocol, body));
        }
        else
            Payload.Span.CopyTo(body);
        return bytes;
    }

    /// <summary>From the octets that came out of a tunnel; false for what is no whole IP packet.</summary>
    public static bool TryRead(ReadOnlySpan<byte> bytes, out Packet packet)
    {
        packet = new(default, default, default, default);
        if (!IpPacket.TryRead(bytes, out var ip))
            return false;
        var body = bytes[ip.TransportAt..ip.Length];
        if (ip.Protocol == IpProtocol.Udp && UdpHeader.TryRead(body, out var udp))
            packet = Udp(new(ip.Source, udp.SourcePort), new(ip.Destination, udp.DestinationPort), Blob.Copy(body[UdpHeader.Size..udp.Length]));
        else
            packet = new(ip.Protocol, new(ip.Source, 0), new(ip.Destination, 0), Blob.Copy(body));
        packet = packet with
        {
            HopLimit = ip.HopLimit,
            DontFragment = ip.DontFragment,
            Identification = ip.IsV6 ? (ushort)0 : BinaryPrimitives.ReadUInt16BigEndian(bytes[4..]),
        };
        return true;
    }
}
