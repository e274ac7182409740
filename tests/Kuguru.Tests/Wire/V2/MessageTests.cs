using System.Buffers.Binary;
using Kuguru.Wire;
using Kuguru.Wire.V2;
using Xunit;
using static Kuguru.Wire.V2.Payload;

namespace Kuguru.Tests.Wire.V2;

public class MessageTests
{
    static readonly IkeMessage Request = new(new(0x0102030405060708), new(0), ExchangeType.IkeSaInit, IkeFlags.Initiator, MessageId.Zero, []);

    static readonly IkeMessage Response = Request with { Flags = IkeFlags.Response };

    static readonly Blob SomeNonce = new byte[32];

    static IkeMessage WithBody(PayloadType first, string hex)
    {
        Assert.True(IkeMessage.TryParse(Raw(first, hex), out var message, out var error), error.ToString());
        return message;
    }

    static ParseError Refused(PayloadType first, string hex)
    {
        Assert.False(IkeMessage.TryParse(Raw(first, hex), out _, out var error));
        return error;
    }

    static byte[] Raw(PayloadType first, string hex)
    {
        byte[] bytes = [.. Request.Write(), .. Convert.FromHexString(hex.Replace(" ", ""))];
        bytes[16] = (byte)first;
        BinaryPrimitives.WriteUInt32BigEndian(bytes.AsSpan(24), (uint)bytes.Length);
        return bytes;
    }

    [Fact]
    public void A_header_is_laid_out_as_in_section_3_1()
    {
        var message = Request with { ResponderSpi = new(0x1112131415161718), Exchange = ExchangeType.IkeAuth, Id = new(1) };
        Assert.Equal("0102030405060708 1112131415161718 00 20 23 08 00000001 0000001c".Replace(" ", ""), new Blob(message.Write()).ToString());
    }

    [Fact]
    public void The_minor_version_and_reserved_bits_are_ignored()
    {
        var bytes = Raw(PayloadType.Nonce, "29 7f 0014 000102030405060708090a0b0c0d0e0f  00 7f 0008 00 00 4000");
        bytes[17] = 0x2f;
        bytes[19] = 0xff;
        Assert.True(IkeMessage.TryParse(bytes, out var message, out _));
        Assert.Equal([new Nonce(Blob.FromHex("000102030405060708090a0b0c0d0e0f")), new Notify(NotifyType.InitialContact)], message.Payloads);
        Assert.Equal(IkeFlags.Initiator | IkeFlags.HigherVersion | IkeFlags.Response, message.Flags);
    }

    [Fact]
    public void Another_major_version_is_told_apart_and_its_header_can_be_read()
    {
        var bytes = Request.Write();
        bytes[17] = 0x30;
        Assert.False(IkeMessage.TryParse(bytes, out _, out var error));
        Assert.Equal(new ParseError(ParseErrorKind.MajorVersion, 17, PayloadType.None), error);
        Assert.True(IkeHeader.TryRead(bytes, out var header));
        Assert.Equal(3, header.MajorVersion);
        Assert.Equal(Request.InitiatorSpi, header.InitiatorSpi);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(-1)]
    [InlineData(int.MaxValue)]
    public void A_length_that_is_not_the_datagrams_is_refused(int by)
    {
        var bytes = (Request with { Payloads = [new Nonce(SomeNonce)] }).Write();
        BinaryPrimitives.WriteUInt32BigEndian(bytes.AsSpan(24), unchecked((uint)(bytes.Length + by)));
        Assert.False(IkeMessage.TryParse(bytes, out _, out var error));
        Assert.Equal(new ParseError(ParseErrorKind.LengthMismatch, 24, PayloadType.None), error);
    }

    [Fact]
    public void An_unknown_critical_payload_is_kept_and_named_and_an_uncritical_one_only_kept()
    {
        var message = WithBody((PayloadType)201, "ca 00 0005 aa  00 80 0006 bbcc");
        Assert.Equal([new Unknown((PayloadType)201, false, Blob.FromHex("aa")), new Unknown((PayloadType)202, true, Blob.FromHex("bbcc"))], message.Payloads);
        Assert.Equal((PayloadType)202, message.UnsupportedCritical);
        Assert.Null((message with { Payloads = [message.Payloads[0]] }).UnsupportedCritical);
    }

    [Fact]
    public void The_critical_bit_of_a_known_payload_does_not_matter() =>
        Assert.Null(WithBody(PayloadType.Nonce, "00 80 0014 000102030405060708090a0b0c0d0e0f").UnsupportedCritical);

    [Theory]
    [InlineData(PayloadType.Nonce, "00 00 0003", ParseErrorKind.BadLength, 32)]
    [InlineData(PayloadType.Nonce, "00 00 0000", ParseErrorKind.BadLength, 32)]
    [InlineData(PayloadType.Nonce, "00 00 0013 000102030405060708090a0b0c0d0e", ParseErrorKind.BadLength, 32)]
    [InlineData(PayloadType.Nonce, "00 00 00ff 000102030405060708090a0b0c0d0e0f", ParseErrorKind.Truncated, 32)]
    [InlineData(PayloadType.VendorId, "00 00 0005 aa bb", ParseErrorKind.Trailing, 33)]
    [InlineData(PayloadType.VendorId, "2b 00 0005 aa", ParseErrorKind.Truncated, 33)]
    [InlineData(PayloadType.Notify, "00 00 000b 03 04 0001 112233", ParseErrorKind.Truncated, 36)]
    [InlineData(PayloadType.Delete, "00 00 000c 03 04 0002 11223344", ParseErrorKind.BadLength, 36)]
    [InlineData(PayloadType.Delete, "00 00 000c 03 02 0002 11223344", ParseErrorKind.BadLength, 36)]
    [InlineData(PayloadType.Delete, "00 00 0010 03 04 0001 11223344 55667788", ParseErrorKind.BadLength, 36)]
    [InlineData(PayloadType.SA, "00 00 000c 00 00 0007 01 01 00 00", ParseErrorKind.BadLength, 36)]
    [InlineData(PayloadType.SA, "00 00 000e 00 00 000a 01 01 04 00 1122", ParseErrorKind.Truncated, 40)]
    [InlineData(PayloadType.SA, "00 00 0014 00 00 0010 01 01 00 02  00 00 0008 01 00 0014", ParseErrorKind.Truncated, 48)]
    [InlineData(PayloadType.SA, "00 00 0014 00 00 0010 01 01 00 00  00 00 0008 01 00 0014", ParseErrorKind.Trailing, 40)]
    [InlineData(PayloadType.SA, "00 00 0014 00 00 0010 01 01 00 01  00 00 0007 01 00 0014", ParseErrorKind.BadLength, 44)]
    [InlineData(PayloadType.TSi, "00 00 0010 01 000000  07 00 0008 0000 ffff", ParseErrorKind.Truncated, 44)]
    [InlineData(PayloadType.TSi, "00 00 0010 02 000000  09 00 0008 0000 ffff", ParseErrorKind.Truncated, 44)]
    [InlineData(PayloadType.TSi, "00 00 000c 01 000000  07 00 0003", ParseErrorKind.BadLength, 40)]
    [InlineData(PayloadType.CP, "00 00 000c 01 000000  0001 0004", ParseErrorKind.Truncated, 40)]
    [InlineData(PayloadType.SKF, "00 00 0008 0000 0001", ParseErrorKind.BadValue, 36)]
    [InlineData(PayloadType.SKF, "00 00 0008 0003 0002", ParseErrorKind.BadValue, 36)]
    [InlineData(PayloadType.SK, "00 00 0005 aa bb", ParseErrorKind.Trailing, 33)]
    public void A_malformed_payload_is_refused_where_it_goes_wrong(PayloadType type, string body, ParseErrorKind kind, int at) =>
        Assert.Equal(new ParseError(kind, at, type), Refused(type, body));

    [Fact]
    public void More_payloads_than_the_limit_are_refused()
    {
        var limit = Enumerable.Repeat<Payload>(new VendorId(default), MaxCount);
        Assert.True(IkeMessage.TryParse((Request with { Payloads = limit.ToSequence() }).Write(), out _, out _));
        Assert.False(IkeMessage.TryParse((Request with { Payloads = limit.Append(new VendorId(default)).ToSequence() }).Write(), out _, out var error));
        Assert.Equal(ParseErrorKind.TooMany, error.Kind);
    }

    [Fact]
    public void More_proposals_than_the_limit_are_refused()
    {
        var limit = Enumerable.Repeat(new Proposal(1, ProtocolId.Ike, default, []), SA.MaxProposals);
        Assert.True(IkeMessage.TryParse((Request with { Payloads = [new SA(limit.ToSequence())] }).Write(), out _, out _));
        var more = limit.Append(limit.First()).ToSequence();
        Assert.False(IkeMessage.TryParse((Request with { Payloads = [new SA(more)] }).Write(), out _, out var error));
        Assert.Equal((ParseErrorKind.TooMany, PayloadType.SA), (error.Kind, error.Payload));
    }

    [Fact]
    public void A_protected_payload_inside_a_protected_payload_is_refused()
    {
        var inner = WriteChain([new SK(PayloadType.None, new byte[40])], out var first);
        Assert.False(TryReadChain(first, inner, out _, out var error));
        Assert.Equal(new ParseError(ParseErrorKind.Nested, 0, PayloadType.SK), error);
    }

    [Fact]
    public void A_proposal_is_laid_out_as_in_section_3_3()
    {
        Proposal proposal = new(1, ProtocolId.Esp, new Spi(0xc0ffee01).ToBlob(),
            [new(TransformType.Encryption, 20, keyLength: 128), new(TransformType.ExtendedSequenceNumbers, 0)]);
        var message = Request with { Payloads = [new SA([proposal])] };
        Assert.Equal("00000024 00000020 01030402 c0ffee01 0300000c 01000014 800e0080 00000008 05000000".Replace(" ", ""), BodyOf(message));
        Assert.Equal((ushort)128, proposal.Transforms[0].KeyLength);
        Assert.Null(proposal.Transforms[1].KeyLength);
        Assert.Equal(new Spi(0xc0ffee01), Spi.From(proposal.Spi));
    }

    [Fact]
    public void A_traffic_selector_is_laid_out_as_in_section_3_13()
    {
        TrafficSelector v4 = new TrafficSelector.AddressRange(IpProtocol.Udp, 1701, 1701, IpAddress.Parse("10.0.0.0"), IpAddress.Parse("10.0.0.255"));
        TrafficSelector v6 = new TrafficSelector.AddressRange(IpProtocol.Any, 0, 65535, IpAddress.Parse("2001:db8::"), IpAddress.Parse("2001:db8::ff"));
        var message = Request with { Payloads = [new TSi([v4]), new TSr([v6])] };
        Assert.Equal(
            ("2d000018 01000000 07110010 06a506a5 0a000000 0a0000ff" +
            "00000030 01000000 08000028 0000ffff 20010db8000000000000000000000000 20010db80000000000000000000000ff").Replace(" ", ""),
            BodyOf(message));
    }

    [Fact]
    public void A_delete_is_laid_out_as_in_section_3_11()
    {
        var message = Request with { Payloads = [Delete.Ike, new Delete(ProtocolId.Esp, [new(0xc0000001), new(0xc0000002)])] };
        Assert.Equal("2a000008 01000000 00000010 03040002 c0000001 c0000002".Replace(" ", ""), BodyOf(message));
    }

    [Fact]
    public void A_configuration_payload_is_laid_out_as_in_section_3_15()
    {
        var message = Request with
        {
            Payloads = [new CP(ConfigType.Reply,
            [
                new(ConfigAttributeType.InternalIp4Address, IpAddress.Parse("10.3.0.1")),
                new(ConfigAttributeType.InternalIp6Address, IpAddress.Parse("fec3::1"), 128),
                new(ConfigAttributeType.InternalIp4Dns),
            ])],
        };
        Assert.Equal("00000029 02000000 0001 0004 0a030001 0008 0011 fec30000000000000000000000000001 80 0003 0000".Replace(" ", ""), BodyOf(message));
        Assert.Equal(["10.3.0.1", "fec3::1", null], message.Find<CP>()!.Attributes.Select(attribute => attribute.Address?.ToString()));
    }

    static string BodyOf(IkeMessage message) => new Blob(message.Write().AsMemory(IkeHeader.Size)).ToString();

    [Fact]
    public void An_identity_gives_the_octets_that_AUTH_covers() =>
        Assert.Equal("02000000" + "6d6f6f6e", new IDi(IdType.Fqdn, "moon"u8.ToArray()).Body.ToString());

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(300)]
    public void A_frame_has_all_lengths_right_before_it_is_sealed(int bodyLength)
    {
        var frame = EncryptedFrame.ForMessage(Request with { Exchange = ExchangeType.IkeAuth, Id = new(1) }, PayloadType.IDi, bodyLength);
        Assert.Equal(IkeHeader.Size + 4, frame.Associated.Length);
        Assert.Equal(bodyLength, frame.Body.Length);
        frame.Body.Fill(0x55);
        Assert.True(IkeMessage.TryParse(frame.Bytes, out var message, out _));
        var sk = Assert.IsType<SK>(Assert.Single(message.Payloads));
        Assert.Equal(PayloadType.IDi, sk.FirstInner);
        Assert.Equal(Enumerable.Repeat((byte)0x55, bodyLength), sk.Body.ToArray());
        Assert.Equal(frame.Associated.Length, sk.BodyAt(frame.Bytes.Length));
    }

    [Fact]
    public void Only_the_first_fragment_tells_the_type_of_the_first_inner_payload()
    {
        foreach (var (number, first) in new[] { ((ushort)1, PayloadType.IDi), ((ushort)2, PayloadType.None) })
        {
            var frame = EncryptedFrame.ForFragment(Request, PayloadType.IDi, number, 2, bodyLength: 40);
            Assert.Equal(IkeHeader.Size + 8, frame.Associated.Length);
            Assert.True(IkeMessage.TryParse(frame.Bytes, out var message, out _));
            Assert.Equal(new SKF(first, number, 2, new byte[40]), message.Encrypted);
        }
    }

    [Fact]
    public void Nothing_may_be_written_behind_a_protected_payload() =>
        Assert.Throws<InvalidOperationException>(() => (Request with { Payloads = [new SK(PayloadType.None, default), new VendorId(default)] }).Write());

    [Fact]
    public void A_message_longer_than_64_KB_is_not_written() =>
        Assert.Throws<InvalidOperationException>(() => (Request with { Payloads = [new VendorId(new byte[40000]), new VendorId(new byte[40000])] }).Write());

    [Fact]
    public void A_message_prints_in_the_notation_of_the_RFC()
    {
        Sequence<Payload> payloads =
        [
            new SA([]), new KE(31, default), new Nonce(SomeNonce), new Notify(NotifyType.NatDetectionSourceIp), new Notify((NotifyType)40000),
            new VendorId(default), new CertReq(CertEncoding.X509Signature, default),
        ];
        Assert.Equal(
            "IKE_SA_INIT request 0 { SA, KEi, Ni, N(NAT_DETECTION_SOURCE_IP), N(40000), V, CERTREQ }", (Request with { Payloads = payloads }).ToString());
        Assert.Equal("IKE_SA_INIT response 0 { SA, KEr, Nr }", (Response with { Payloads = [payloads[0], payloads[1], payloads[2]] }).ToString());
        Assert.Equal(
            "IKE_AUTH request 1 { IDi, IDr, AUTH, TSi, TSr, CP(CFG_REQUEST), EAP, D, 200! }",
            (Request with
            {
                Exchange = ExchangeType.IkeAuth,
                Id = new(1),
                Payloads =
                [
                    new IDi(IdType.Null, default), new IDr(IdType.Null, default), new Auth(AuthMethod.Null, default), new TSi([]), new TSr([]),
                    new CP(ConfigType.Request, []), new Eap(default), Delete.Ike, new Unknown((PayloadType)200, true, default),
                ],
            }).ToString());
        Assert.Equal("INFORMATIONAL response 7 { }", (Response with { Exchange = ExchangeType.Informational, Id = new(7) }).ToString());
        Assert.Equal("240 request 0 { SKF(2/3) }", (Request with { Exchange = (ExchangeType)240, Payloads = [new SKF(default, 2, 3, default)] }).ToString());
    }

    [Theory]
    [InlineData(NotifyType.UnsupportedCriticalPayload, "UNSUPPORTED_CRITICAL_PAYLOAD")]
    [InlineData(NotifyType.InvalidKePayload, "INVALID_KE_PAYLOAD")]
    [InlineData(NotifyType.Cookie2, "COOKIE2")]
    [InlineData(NotifyType.AdditionalIp4Address, "ADDITIONAL_IP4_ADDRESS")]
    [InlineData(NotifyType.Ikev2FragmentationSupported, "IKEV2_FRAGMENTATION_SUPPORTED")]
    [InlineData(NotifyType.EspTfcPaddingNotSupported, "ESP_TFC_PADDING_NOT_SUPPORTED")]
    public void A_notify_prints_as_the_registry_spells_it(NotifyType kind, string name) =>
        Assert.Equal($"IKE_SA_INIT request 0 {{ N({name}) }}", (Request with { Payloads = [new Notify(kind)] }).ToString());

    [Fact]
    public void Numbers_print_as_operators_write_them()
    {
        Assert.Equal("0000c0de", new Spi(0xc0de).ToString());
        Assert.Equal("000000000000c0de", new IkeSpi(0xc0de).ToString());
        Assert.Equal(new IkeSpi(0xc0de), IkeSpi.From(new IkeSpi(0xc0de).ToBlob()));
        Assert.Null(Spi.From(new byte[8]));
    }
}
