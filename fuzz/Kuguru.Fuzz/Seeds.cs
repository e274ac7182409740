using Kuguru.Daemon.Vici;
using Kuguru.Wire;
using Kuguru.Wire.V2;
using static Kuguru.Wire.V2.Payload;

namespace Kuguru.Fuzz;

/// <summary>Good inputs that touch every branch worth reaching.</summary>
static class Seeds
{
    static readonly IpAddress A4 = IpAddress.Parse("192.0.2.1"), B4 = IpAddress.Parse("198.51.100.2");
    static readonly IpAddress A6 = IpAddress.Parse("2001:db8::1"), B6 = IpAddress.Parse("2001:db8::2");

    static readonly Transform[] _transforms = [new(TransformType.Encryption, 20, keyLength: 128), new(TransformType.ExtendedSequenceNumbers, 0)];

    public static IkeMessage Message { get; } = new(new(0x0102030405060708), new(0x1112131415161718), ExchangeType.IkeAuth, IkeFlags.Initiator, new(1),
    [
        new SA([new(1, ProtocolId.Esp, new Spi(0xc0000001).ToBlob(), [.. _transforms])]),
        new KE(31, new byte[32]),
        new Nonce(new byte[32]),
        new IDi(IdType.Fqdn, "moon"u8.ToArray()),
        new IDr(IdType.Ipv4Addr, A4.ToBytes()),
        new Cert(CertEncoding.X509Signature, new byte[20]),
        new CertReq(CertEncoding.X509Signature, new byte[40]),
        new Auth(AuthMethod.SharedKey, new byte[32]),
        new Notify(ProtocolId.Esp, new Spi(0xc0000001).ToBlob(), NotifyType.RekeySa, default),
        new Delete(ProtocolId.Esp, [new(0xc0000001)]),
        new VendorId(new byte[16]),
        new TSi([new TrafficSelector.AddressRange(IpProtocol.Any, 0, 65535, A4.First(24), A4.Last(24))]),
        new TSr([new TrafficSelector.AddressRange(IpProtocol.Udp, 53, 53, A6, B6), new TrafficSelector.Unknown(TsType.SecurityLabel, 0, new byte[8])]),
        new CP(ConfigType.Request, [new(ConfigAttributeType.InternalIp4Address), new(ConfigAttributeType.InternalIp6Address, A6, 128)]),
        new Eap(new byte[5]),
        new Unknown((PayloadType)200, false, new byte[3]),
    ]);

    public static byte[] EapIdentity => [2, 1, 0, 10, 1, .. "carol"u8];
    public static byte[] EapNak => [2, 1, 0, 7, 3, 26, 13];

    /// <summary>A challenge, which as a response is malformed.</summary>
    public static byte[] EapMsChapV2 => [1, 1, 0, 32, 26, 1, 7, 0, 27, 16, .. new byte[16], .. "server"u8];

    /// <summary>A start with the first octets of a record.</summary>
    public static byte[] EapTls => [2, 1, 0, 21, 13, 0x80, 0, 0, 0, 11, 0x16, 3, 3, 0, 6, 1, 0, 0, 2, 3, 3];

    public static IkeMessage Protected { get; } = Message with
    {
        Payloads = [new Notify(NotifyType.Cookie, new byte[8]), new SKF(PayloadType.IDi, 1, 3, new byte[48])],
    };

    public static byte[] Syn4()
    {
        byte[] packet = [.. new byte[20], .. Syn];
        Ipv4.Write(packet, A4, B4, IpProtocol.Tcp, packet.Length);
        return packet;
    }

    /// <summary>Behind hop-by-hop options and a fragment header.</summary>
    public static byte[] Syn6()
    {
        byte[] packet = [.. new byte[40], (byte)IpProtocol.Fragment, 0, 5, 2, 0, 0, 0, 0, (byte)IpProtocol.Tcp, 0, 0, 1, 0, 0, 0, 7, .. Syn];
        Ipv6.Write(packet, A6, B6, IpProtocol.Any, packet.Length - 40);
        return packet;
    }

    /// <summary>AH in transport mode behind IPv4 options: router alert, record route.</summary>
    public static byte[] Ah4()
    {
        byte[] packet = [.. new byte[20], 148, 4, 0, 0, 7, 7, 4, 10, 0, 0, 1, 0, .. Ah, .. Syn];
        Ipv4.Write(packet, A4, B4, IpProtocol.Ah, packet.Length);
        packet[0] = 0x48;
        return packet;
    }

    /// <summary>AH behind hop-by-hop options and a routing header at its end.</summary>
    public static byte[] Ah6()
    {
        byte[] packet = [.. new byte[40], (byte)IpProtocol.Routing, 0, 0x3E, 4, 1, 2, 3, 4, (byte)IpProtocol.Ah, 0, 0, 0, 0, 0, 0, 0, .. Ah, .. Syn];
        Ipv6.Write(packet, A6, B6, IpProtocol.Any, packet.Length - 40);
        return packet;
    }

    static byte[] Ah => [(byte)IpProtocol.Tcp, 6, 0, 0, 1, 2, 3, 4, 0, 0, 0, 1, .. new byte[20]];

    public static IpAddress StandIn4 { get; } = IpAddress.Parse("198.18.4.7");
    public static IpAddress Other4 { get; } = IpAddress.Parse("203.0.113.255");
    public static IpAddress StandIn6 { get; } = IpAddress.Parse("fd6b:7567:7572:7500::7");
    public static IpAddress Other6 { get; } = IpAddress.Parse("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff");

    /// <summary>An error about a SYN, quoted whole.</summary>
    public static byte[] Unreachable4()
    {
        byte[] packet = [.. new byte[20], 3, 3, 0, 0, 0, 0, 0, 0, .. Syn4()];
        Ipv4.Write(packet, B4, A4, IpProtocol.Icmp, packet.Length);
        return packet;
    }

    /// <summary>Likewise, behind its fragment header.</summary>
    public static byte[] Unreachable6()
    {
        byte[] packet = [.. new byte[40], 1, 4, 0, 0, 0, 0, 0, 0, .. Syn6()];
        Ipv6.Write(packet, B6, A6, IpProtocol.IcmpV6, packet.Length - 40);
        return packet;
    }

    /// <summary>A SYN with an MSS of 1460, and 8 octets of data.</summary>
    static ReadOnlySpan<byte> Syn =>
        [0x9c, 0x40, 0x01, 0xbb, 1, 2, 3, 4, 0, 0, 0, 0, 0x70, 0x02, 0xff, 0xff, 0, 0, 0, 0, 1, 1, 1, 0, 2, 4, 5, 0xb4, 1, 2, 3, 4, 5, 6, 7, 8];

    public static byte[] LoadConn() => Command("load-conn", new()
    {
        {
            "rw", new ViciMessage
            {
                { "version", "2" },
                { "local_addrs", (string[])["10.0.0.1", "%any"] },
                { "proposals", (string[])["aes128gcm16-prfsha256-x25519"] },
                { "dpd_delay", "30s" },
                { "local", new ViciMessage { { "auth", "psk" }, { "id", "moon.strongswan.org" } } },
                { "remote", new ViciMessage { { "auth", "psk" } } },
                { "children", new ViciMessage { { "net", new ViciMessage { { "local_ts", (string[])["10.1.0.0/16[tcp/80]"] } } } } },
            }
        },
    });

    public static byte[] LoadPool() =>
        Command("load-pool", new() { { "p4", new ViciMessage { { "addrs", "10.3.0.0/24" }, { "dns", (string[])["10.1.0.1"] } } } });

    public static byte[] LoadShared() =>
        Command("load-shared", new() { { "id", "ike-1" }, { "type", "ike" }, { "data", "a key" }, { "owners", (string[])["moon", "@carol"] } });

    static byte[] Command(string name, ViciMessage message) => new ViciPacket(ViciOperation.CommandRequest, name, message).TryWrite(out var frame)
        ? frame[ViciPacket.HeaderLength..]
        : throw new InvalidOperationException("the seed is too long");

    public const string Conf = """
        # a gateway
        connections {
            rw : conn-defaults {
                version = 2
                proposals = aes128gcm16-prfsha256-x25519,default
                local { auth = psk
                    id = "moon.strongswan.org" }
                remote { auth = psk }
                children { net { local_ts = 10.1.0.0/16, fec0::/64[udp/53]
                    updown = /bin/true } }
            }
        }
        conn-defaults { pools = p4 }
        pools { p4 { addrs = 10.3.0.0/24 } }
        secrets { ike-1 { id = carol@strongswan.org
            secret = 0sFpZAZqEN6Ti9sqt4ZP5EWcqx } }
        """;
}
