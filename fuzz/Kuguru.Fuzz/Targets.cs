using System.Buffers.Binary;
using System.Text;
using Kuguru.Ah;
using Kuguru.Crypto;
using Kuguru.Daemon.Settings;
using Kuguru.Daemon.Vici;
using Kuguru.Esp;
using Kuguru.Ike;
using Kuguru.Ike.Eap;
using Kuguru.Nat;
using Kuguru.Wire;
using Kuguru.Wire.Eap;
using Kuguru.Wire.V2;

namespace Kuguru.Fuzz;

/// <summary>Every parser that reads what somebody else wrote.</summary>
static class Targets
{
    public static IReadOnlyList<Target> All { get; } =
    [
        new("ike", Ike, MendIke, Seeds.Message.Write(), Seeds.Protected.Write()),
        new("ike-inner", IkeInner, Nothing, [(byte)Seeds.Message.Payloads[0].Type, .. Payload.WriteChain(Seeds.Message.Payloads, out _)]),
        new("eap", Eap, MendEap, Seeds.EapIdentity, Seeds.EapMsChapV2, Seeds.EapTls, Seeds.EapNak),
        new("certificate", CertificateSeeds.Certificate, Nothing, CertificateSeeds.EndEntity, CertificateSeeds.Authority),
        new("revocation", CertificateSeeds.Status, Nothing, CertificateSeeds.RevocationList, CertificateSeeds.DeltaList, CertificateSeeds.OcspAnswer),
        new("isakmp", Isakmp, MendIke, IsakmpSeeds.Clear.Write(), IsakmpSeeds.Protected.Write()),
        new("isakmp-inner", IsakmpInner, Nothing, [(byte)IsakmpSeeds.Clear.Payloads[0].Type, .. Wire.V1.Payload.WriteChain(IsakmpSeeds.Clear.Payloads)]),
        new("port-4500", Port, Nothing, NonEspMarker.Add(Seeds.Message.Write()), [0, 0, 1, 0, 0, 0, 0, 1], [0xFF]),
        new("ip", Ip, bytes => MendIp(bytes), Seeds.Syn4(), Seeds.Syn6()),
        new("readdress", Readdressed, bytes => MendIp(bytes), Seeds.Syn4(), Seeds.Syn6(), Seeds.Unreachable4(), Seeds.Unreachable6()),
        new("tun", Tun, MendTun, [.. new byte[10], .. Seeds.Syn4()], [1, 1, 40, 0, 4, 0, 20, 0, 16, 0, .. Seeds.Syn4()]),
        new("esp-trailer", EspTrail, Nothing, [1, 2, 3, 4, 1, 2, 2, 4]),
        new("ah", Ah, bytes => MendIp(bytes), Seeds.Ah4(), Seeds.Ah6()),
        new("vici", Vici, Nothing, Seeds.LoadConn(), Seeds.LoadPool(), Seeds.LoadShared()),
        new("conf", Conf, Nothing, Encoding.UTF8.GetBytes(Seeds.Conf)),
        new("proposal", Proposals, Nothing, "aes128gcm16-prfsha256-x25519,default"u8.ToArray(), "aes256-sha256-modp2048"u8.ToArray()),
        new("identity", Identities, Nothing, "C=CH, CN=moon"u8.ToArray(), "@#deadbeef"u8.ToArray(), "moon@example.org"u8.ToArray()),
    ];

    static bool Ike(byte[] bytes)
    {
        if (!IkeMessage.TryParse(bytes, out var message, out var error))
        {
            Oracle.True(error.Kind != ParseErrorKind.None && error.Offset >= 0 && error.Offset <= bytes.Length, $"refused for no reason: {error}");
            return false;
        }
        Oracle.True(IkeMessage.TryParse(message.Write(), out var again, out _), "does not read what it wrote");
        Oracle.Same(message, again!);
        Oracle.True(message.ToString().Length > 0, "prints as nothing");
        return true;
    }

    static bool IkeInner(byte[] bytes)
    {
        if (bytes.Length == 0 || !Payload.TryReadChain((PayloadType)bytes[0], bytes.AsSpan(1), out var payloads, out _))
            return false;
        var written = Payload.WriteChain(payloads, out var first);
        Oracle.True(Payload.TryReadChain(first, written, out var again, out _), "does not read what it wrote");
        Oracle.Same(payloads, again);
        return true;
    }

    /// <summary>The packet, and then a server and a client in the middle of a conversation that get it.</summary>
    static bool Eap(byte[] bytes)
    {
        if (!EapPacket.TryParse(bytes, out var packet, out _))
            return false;
        Oracle.True(EapPacket.TryParse(packet.ToBlob(), out var again, out _), "does not read what it wrote");
        Oracle.Same(packet, again!);
        foreach (var method in (EapType[])[EapType.MsChapV2, EapType.Tls, EapType.Md5Challenge, EapType.GenericTokenCard])
        {
            using var server = new EapServer(Identity.Parse("carol"), asksName: false, _ => [method], (type, user, _) => EapSeeds.Server(type, user), identifier: 0);
            server.Start();
            server.Receive(packet with { Identifier = 1 });
            using var peer = new EapPeer(Identity.Parse("carol"), [method], EapSeeds.Peer);
            if (peer.Receive(packet) is EapStep.Say)
                peer.Receive(packet);
        }
        return true;
    }

    static void MendEap(byte[] bytes)
    {
        if (bytes.Length >= 4)
            BinaryPrimitives.WriteUInt16BigEndian(bytes.AsSpan(2), (ushort)bytes.Length);
    }

    static bool Isakmp(byte[] bytes)
    {
        if (!Wire.V1.IsakmpMessage.TryParse(bytes, out var message, out var error))
        {
            Oracle.True(error.Kind != ParseErrorKind.None && error.Offset >= 0 && error.Offset <= bytes.Length, $"refused for no reason: {error}");
            return false;
        }
        Oracle.True(Wire.V1.IsakmpMessage.TryParse(message.Write(), out var again, out _), "does not read what it wrote");
        Oracle.Same(message, again!);
        Oracle.True(message.ToString().Length > 0, "prints as nothing");
        return true;
    }

    static bool IsakmpInner(byte[] bytes)
    {
        if (bytes.Length == 0 || !Wire.V1.Payload.TryReadChain((Wire.V1.PayloadKind)bytes[0], bytes.AsSpan(1), out var payloads, out var used, out _))
            return false;
        Oracle.True(used <= bytes.Length - 1, "read more than there is");
        Oracle.True(payloads.IsEmpty || Wire.V1.Payload.TryReadChain(payloads[0].Type, Wire.V1.Payload.WriteChain(payloads), out var again, out _, out _) && payloads == again,
            "does not read what it wrote");
        return true;
    }

    static bool Port(byte[] bytes)
    {
        switch (Demux.Classify(bytes))
        {
            case Port4500.Ike:
                var message = NonEspMarker.Strip(bytes).ToArray();
                MendIke(message);
                return Ike(message);
            case Port4500.Esp:
                Oracle.True(EspHeader.TryRead(bytes, out var esp) && !esp.Spi.IsReserved, "ESP without a usable SPI");
                return true;
            case Port4500.Empty or Port4500.TooShort or Port4500.Keepalive or Port4500.ReservedSpi:
                return false;
        }
        throw new Contradiction("a kind that is none");
    }

    static bool Ip(byte[] bytes)
    {
        if (!IpPacket.TryRead(bytes, out var ip))
            return false;
        Oracle.True(ip.TransportAt >= 20 && ip.TransportAt <= ip.Length && ip.Length <= bytes.Length, $"{ip} is not inside its octets");
        var answer = new byte[Icmp.MaxLength];
        var length = Icmp.WriteTooBig(bytes, ip, 1280, ip.Destination, answer);
        Oracle.True(length == 0 || IpPacket.TryRead(answer.AsSpan(0, length), out var icmp) && icmp.Length == length, "the answer is no packet");
        UdpHeader.TryRead(bytes.AsSpan(ip.TransportAt, ip.TransportLength), out _);
        if (Tcp.ClampMss(bytes, ip, 1000))
            Oracle.True(!Tcp.ClampMss(bytes, ip, 1000), "the MSS is still too large");
        return true;
    }

    /// <summary>There and back it is the same packet again, and nothing is touched but addresses and checksums.</summary>
    static bool Readdressed(byte[] bytes)
    {
        if (!IpPacket.TryRead(bytes, out var ip))
            return false;
        byte[] changed = [.. bytes];
        var (source, destination) = ip.IsV6 ? (Seeds.StandIn6, Seeds.Other6) : (Seeds.StandIn4, Seeds.Other4);
        Readdress.Packet(changed, ip, source, destination);
        Oracle.True(IpPacket.TryRead(changed, out var after), "is no packet any more");
        Oracle.Same(ip.WithAddresses(source, destination), after);
        var isError = Readdress.TryQuoted(changed, after, out var quotedSource, out var quotedDestination);
        if (isError)
        {
            Readdress.Quoted(changed, after, destination, source);
            Oracle.True(Readdress.TryQuoted(changed, after, out var from, out var to) && from == destination && to == source, "quotes other addresses than it was given");
            Readdress.Quoted(changed, after, quotedSource, quotedDestination);
        }
        Readdress.Packet(changed, after, ip.Source, ip.Destination);
        var differences = bytes.Zip(changed).Count(pair => pair.First != pair.Second);
        // A sum has two ways to say zero: each checksum may come back as the other one.
        Oracle.True(differences <= 2 * (isError ? 4 : 2), $"{differences} octets are not what they were");
        return true;
    }

    static bool Tun(byte[] bytes)
    {
        if (!Offload.TryRead(bytes, out var offload, out var ip))
            return false;
        Oracle.True(offload.HeaderLength <= ip.Length && offload.LargestPacket <= ip.Length, "an offload larger than its packet");
        return true;
    }

    static bool EspTrail(byte[] bytes)
    {
        if (!EspTrailer.TryRead(bytes, out var length, out var next))
            return false;
        var adds = length >= 0 && length + EspTrailer.FixedSize + bytes[^2] == bytes.Length;
        Oracle.True(adds && bytes[^1] == (byte)next, "a trailer that does not add up");
        return true;
    }

    static readonly AhSuite _ahSuite = new(IntegrityAlgorithm.HmacSha2_256_128, ExtendedSequenceNumbers.Yes);

    /// <summary>A whole IP packet with an AH: what is sealed is opened again, and what an ICV covers does not depend on what it does not.</summary>
    static bool Ah(byte[] bytes)
    {
        if (!IpPacket.TryRead(bytes, out var ip) || ip.Protocol != IpProtocol.Ah || ip.IsFragment || !AhHeader.TryRead(bytes.AsSpan(ip.TransportAt, ip.TransportLength), out var header))
            return false;
        Oracle.True(header.Length >= AhHeader.FixedSize && ip.TransportAt + header.Length <= ip.Length, "an AH that is not inside its packet");
        Oracle.True(bytes[Placement.NextHeaderAt(bytes, ip.TransportAt)] == (byte)IpProtocol.Ah, "another header is named");
        byte[] once = new byte[CoveredHeader.MaxLength], twice = new byte[CoveredHeader.MaxLength];
        using var integrity = new AhIntegrity(_ahSuite, new(Secret.Empty(), Secret.Copy(new byte[32])));
        integrity.Verify(bytes.AsSpan(0, ip.Length), ip.TransportAt, header, 1);
        if (!CoveredHeader.TryWrite(bytes.AsSpan(0, ip.TransportAt), once))
            return false;
        Oracle.True(CoveredHeader.TryWrite(once.AsSpan(0, ip.TransportAt), twice) && once.AsSpan().SequenceEqual(twice), "what is covered is covered otherwise");
        if (header.Length < _ahSuite.HeaderLength(isV6: false))
            return true;
        var packet = bytes.AsSpan(0, ip.Length);
        Oracle.True(integrity.Seal(packet, ip.TransportAt, header, 7) && integrity.Verify(packet, ip.TransportAt, header, 7), "what was sealed is not opened");
        packet[^1] ^= 1;
        Oracle.True(ip.TransportAt + header.Length == ip.Length || !integrity.Verify(packet, ip.TransportAt, header, 7), "what was changed is opened");
        return true;
    }

    static bool Vici(byte[] bytes)
    {
        if (!ViciPacket.TryParse(bytes, out var packet, out _))
            return false;
        Oracle.True(packet.TryWrite(out var frame), "cannot be written");
        Oracle.True(ViciPacket.TryParse(frame.AsMemory(ViciPacket.HeaderLength), out var again, out _), "does not read what it wrote");
        Oracle.Same(packet, again!);
        Load(packet.Name, packet.Message);
        return true;
    }

    /// <summary>What the daemon makes of a command that configures it.</summary>
    static void Load(string command, ViciMessage message)
    {
        switch (command)
        {
            case "load-conn":
                foreach (var section in message.Sections)
                    Explained(ConnectionReader.Read(section.Name, section.Body, CharonSettings.Default, out var wrong), wrong);
                break;
            case "load-pool":
                foreach (var section in message.Sections)
                    Explained(PoolReader.Read(section.Name, section.Body, out var wrong), wrong);
                break;
            case "load-shared":
                Explained(SharedKeyReader.Read(message, "unnamed", out var errors), errors);
                break;
        }
    }

    static void Explained(object? value, IReadOnlyList<ConfigError> errors) =>
        Oracle.True(value is not null || errors.Count > 0, "refused without an error");

    /// <summary>What reads whatever lies on this machine's disk.</summary>
    static readonly string[] _filesOf = ["include", "certs", "pubkeys"];

    static bool Conf(byte[] bytes)
    {
        var text = Encoding.UTF8.GetString(bytes);
        if (_filesOf.Any(word => text.Contains(word, StringComparison.OrdinalIgnoreCase)))
            return false;
        var complaints = new Complaints();
        var section = SettingsFile.Parse(text, "fuzz.conf", complaints);
        Oracle.True(section is not null || complaints.HasErrors, "refused without a complaint");
        if (section is null || SwanctlConf.From(section, complaints) is not { } conf)
            return false;
        foreach (var request in conf.Requests)
            Load(request.Command, request.Message);
        return true;
    }

    static bool Proposals(byte[] bytes)
    {
        var text = Encoding.UTF8.GetString(bytes);
        var accepted = false;
        foreach (var kind in Enum.GetValues<ProposalKind>())
        {
            var fits = AlgorithmSet.TryParse(text, kind, out _, out var error);
            Oracle.True(fits || error!.Length > 0, "refused without an error");
            accepted |= fits;
        }
        return accepted;
    }

    static bool Identities(byte[] bytes)
    {
        var text = Encoding.UTF8.GetString(bytes);
        var accepted = Identity.TryParse(text, out var identity, out var error);
        Oracle.True(accepted || error.Length > 0, "refused without an error");
        if (accepted)
            Oracle.Same(identity, Identity.Parse(text));
        Oracle.True(identity.ToString() is not null, "does not print");
        return accepted;
    }

    static void Nothing(byte[] bytes) { }

    static void MendIke(byte[] message)
    {
        if (message.Length >= IkeHeader.Size)
            BinaryPrimitives.WriteInt32BigEndian(message.AsSpan(24), message.Length);
    }

    static void MendTun(byte[] bytes) => MendIp(bytes.AsSpan(Math.Min(VirtioNetHeader.Size, bytes.Length)));

    static void MendIp(Span<byte> packet)
    {
        if (packet.Length >= Ipv4.MinSize && packet[0] >> 4 == 4)
            new Ipv4(packet).TotalLength = (ushort)packet.Length;
        else if (packet.Length >= Ipv6.Size)
            new Ipv6(packet).PayloadLength = (ushort)(packet.Length - Ipv6.Size);
    }
}
