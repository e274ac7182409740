namespace Kuguru.Linux;

/// <summary>
/// AH, IP protocol 51, of one family, as whole IP packets both ways: the ICV covers the IP header, so what is sent has one already, which the kernel leaves
/// alone but for the IPv4 checksum (and an identification of zero, which must not be there). Too long packets are refused, not cut. It sees every AH packet for
/// this host, put together where it came in fragments. A slot that it receives holds the whole IP packet.
/// </summary>
public sealed class RawAhSocket : RawSocket
{
    RawAhSocket(RawSocketOptions options) : base(options, Libc.IPPROTO_AH, "AH") { }

    public static RawAhSocket Open(RawSocketOptions options) => new(options);

    private protected override void SetUp(Descriptor socket)
    {
        if (!IsV6)
        {
            SocketOption.Set(socket, Libc.IPPROTO_IP, Libc.IP_HDRINCL, 1, "send whole IPv4 packets");
            return;
        }
        foreach (var extension in (ReadOnlySpan<int>)[Libc.IPV6_RECVHOPOPTS, Libc.IPV6_RECVRTHDR, Libc.IPV6_RECVDSTOPTS])
            SocketOption.Set(socket, Libc.IPPROTO_IPV6, extension, 1, "see extension headers");
        SocketOption.Set(socket, Libc.IPPROTO_IPV6, Libc.IPV6_HDRINCL, 1, "send whole IPv6 packets");
    }

    private protected override void Decode(ReceiveBatch batch, int slot) => batch.DecodeWhole(slot, IsV6);
}
