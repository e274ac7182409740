namespace Kuguru.Linux;

/// <summary>
/// Plain ESP, IP protocol 50, of one family: what peers without a NAT between them send (RFC 4303). It sees every ESP packet for this
/// host, also those that are somebody else's. A slot that it receives holds the ESP packet, without the IP header.
/// </summary>
public sealed class RawEspSocket : RawSocket
{
    RawEspSocket(RawSocketOptions options) : base(options, Libc.IPPROTO_ESP, "ESP") { }

    public static RawEspSocket Open(RawSocketOptions options) => new(options);

    private protected override void SetUp(Descriptor socket) { }

    private protected override void Decode(ReceiveBatch batch, int slot)
    {
        if (IsV6)
            batch.Decode(slot, Address, port: 0);
        else
            batch.DecodeRawV4(slot);
    }
}
