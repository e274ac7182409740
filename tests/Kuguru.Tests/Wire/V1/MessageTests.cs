using System.Buffers.Binary;
using Kuguru.Wire;
using Kuguru.Wire.V1;
using Xunit;
using static Kuguru.Wire.V1.Payload;

namespace Kuguru.Tests.Wire.V1;

/// <summary>ISAKMP messages: what is written is read back, what others wrote is read, what is damaged is refused.</summary>
public class MessageTests
{
    public static TheoryData<string> Kinds => [.. Samples.Select(sample => sample.GetType().Name)];

    static readonly Payload[] Samples =
    [
        new SA([new Proposal(1, IsakmpProtocol.Esp, Blob.FromHex("c0ffee01"),
        [
            new Transform(1, (byte)EspTransform.AesCbc, [DataAttribute.Of(IpsecAttribute.KeyLength, 128), DataAttribute.Of(IpsecAttribute.LifeDuration, 86400)]),
            new Transform(2, (byte)EspTransform.AesGcm16, [DataAttribute.Of(IpsecAttribute.EncapsulationMode, (uint)EncapsulationMode.UdpTunnelDraft)]),
        ])]),
        new KE(Blob.FromHex("0102030405")),
        new ID(IdKind.Fqdn, 17, 500, "moon.example.org"u8.ToArray()),
        new Cert(CertificateKind.X509Signature, Blob.FromHex("3000")),
        new CertReq(CertificateKind.X509Signature, Blob.FromHex("3000")),
        new Hash(Blob.FromHex("00112233445566778899")),
        new Signature(Blob.FromHex("aabb")),
        new Nonce(Blob.FromHex("0123456789abcdef")),
        new Notification(IsakmpProtocol.Isakmp, Blob.FromHex("00112233445566778899aabbccddeeff"), NotifyKind.RUThere, Blob.FromHex("00000001")),
        new Delete(IsakmpProtocol.Esp, 4, [Blob.FromHex("c0ffee01"), Blob.FromHex("c0ffee02")]),
        new VendorId(VendorIds.Rfc3947),
        new Attributes(ConfigKind.Request, 7, [DataAttribute.Of(ConfigItem.XauthUserName, Blob.Empty), DataAttribute.Of((ushort)ConfigItem.XauthType, 0)]),
        new NatD(Blob.FromHex("00112233445566778899aabbccddeeff00112233"), false),
        new NatD(Blob.FromHex("00112233445566778899aabbccddeeff00112233"), true),
        new NatOa(IpAddress.Parse("10.1.0.10"), false),
        new NatOa(IpAddress.Parse("fec0::10"), true),
        new Fragment(1, 2, true, Blob.FromHex("0badcafe")),
        new Unknown((PayloadKind)99, Blob.FromHex("00")),
    ];

    [Fact]
    public void Every_kind_of_payload_is_read_back_as_it_was_written()
    {
        foreach (var sample in Samples)
            ReadsBack(Message(sample));
        var all = ReadsBack(Message(Samples));
        Assert.Equal(Samples, all.Payloads);
        Assert.Equal(typeof(Payload).Assembly.GetTypes().Where(type => type.IsAssignableTo(typeof(Payload)) && !type.IsAbstract && type != typeof(Encrypted)).Order(ByName),
            Samples.Select(sample => sample.GetType()).Distinct().Order(ByName));
    }

    [Fact]
    public void An_encrypted_message_keeps_its_octets()
    {
        var message = Message(new Encrypted(PayloadKind.Hash, Blob.FromHex("00112233445566778899aabbccddeeff"))) with { Flags = IsakmpFlags.Encryption };
        Assert.Equal("QUICK_MODE deadbeef { ... }", ReadsBack(message).ToString());
    }

    [Fact]
    public void A_fragment_is_in_clear_whatever_its_flags_say()
    {
        var message = Message(new Fragment(1, 1, false, Blob.FromHex("00"))) with { Flags = IsakmpFlags.Encryption };
        Assert.NotNull(ReadsBack(message).Find<Fragment>());
    }

    [Fact]
    public void What_follows_the_last_payload_is_padding()
    {
        var chain = WriteChain([new Hash(Blob.FromHex("0102")), new Nonce(Blob.FromHex("0304"))]);
        Assert.True(TryReadChain(PayloadKind.Hash, [.. chain, 0, 0, 7], out var payloads, out var used, out _));
        Assert.Equal((chain.Length, 2), (used, payloads.Count));
    }

    [Fact]
    public void Every_truncation_of_every_payload_is_refused()
    {
        foreach (var sample in Samples)
        {
            var good = Message(sample).Write();
            for (var length = 0; length < good.Length; length++)
                Assert.False(IsakmpMessage.TryParse(WithLength(good[..length]), out _, out _), $"{sample} cut to {length}");
        }
    }

    [Fact]
    public void A_hundred_thousand_mutated_messages_are_refused_or_read_back()
    {
        var random = new Random(20261127);
        var accepted = 0;
        for (var i = 0; i < 100_000; i++)
        {
            var bytes = Message([.. Enumerable.Range(0, random.Next(1, 6)).Select(_ => Samples[random.Next(Samples.Length)])]).Write();
            for (var j = random.Next(1, 5); j > 0; j--)
                bytes[random.Next(bytes.Length)] = random.Next(3) switch { 0 => 0, 1 => 0xFF, _ => (byte)random.Next() };
            if (random.Next(4) == 0)
                bytes = bytes[..random.Next(bytes.Length)];
            bytes = WithLength(bytes);
            if (!IsakmpMessage.TryParse(bytes, out var message, out var error))
            {
                Assert.NotEqual(ParseErrorKind.None, error.Kind);
                Assert.InRange(error.Offset, 0, bytes.Length);
                continue;
            }
            accepted++;
            ReadsBack(message);
        }
        Assert.InRange(accepted, 5_000, 95_000);
    }

    [Theory]
    [InlineData(65000, "TooMany")]
    [InlineData(3, "None")]
    public void A_message_of_endless_payloads_is_refused(int count, string expected)
    {
        var w = new WireWriter();
        for (var i = 0; i < Math.Min(count, 16_000); i++)
            w.Bytes([i == count - 1 ? (byte)0 : (byte)PayloadKind.VendorId, 0, 0, 4]);
        TryReadChain(PayloadKind.VendorId, w.Written, out _, out _, out var error);
        Assert.Equal(expected, error.Kind.ToString());
    }

    [Fact]
    public void Numbers_of_any_length_are_read_as_numbers_and_contradictions_as_none()
    {
        Assert.Equal(86400u, new DataAttribute(1, false, Blob.FromHex("000000000000015180")).Number);
        Assert.Null(new DataAttribute(1, false, Blob.Empty).Number);
        Assert.Null(new DataAttribute(1, false, Blob.FromHex("0100000000")).Number);
        var twice = new Transform(1, 1, [DataAttribute.Of(OakleyAttribute.KeyLength, 128), DataAttribute.Of(OakleyAttribute.KeyLength, 256)]);
        Assert.Null(twice.Number32(OakleyAttribute.KeyLength));
    }

    [Theory]
    [InlineData("FRAGMENTATION of Cisco", "4048b7d56ebce88525e7de7f00d6c2d380000000", true)]
    [InlineData("for phase 2 only", "4048b7d56ebce88525e7de7f00d6c2d340000000", false)]
    [InlineData("of Microsoft, without capabilities", "4048b7d56ebce88525e7de7f00d6c2d3", true)]
    [InlineData("another", "4a131c81070358455c5728f20e95452f", false)]
    public void Fragmentation_is_known_by_its_vendor_ID(string _, string id, bool expected) =>
        Assert.Equal(expected, VendorIds.IsFragmentation(Blob.FromHex(id)));

    static IsakmpMessage Message(params Payload[] payloads) => new(
        new IkeSpi(0x0123456789abcdef), new IkeSpi(0xfedcba9876543210), ExchangeKind.QuickMode, IsakmpFlags.None, new MessageId(0xdeadbeef),
        payloads.ToSequence());

    static IsakmpMessage ReadsBack(IsakmpMessage message)
    {
        Assert.True(IsakmpMessage.TryParse(message.Write(), out var again, out var error), error.ToString());
        Assert.Equal(message, again);
        Assert.NotEmpty(again.ToString());
        return again;
    }

    static byte[] WithLength(byte[] bytes)
    {
        if (bytes.Length >= IkeHeader.Size)
            BinaryPrimitives.WriteUInt32BigEndian(bytes.AsSpan(24), (uint)bytes.Length);
        return bytes;
    }

    static readonly Comparer<Type> ByName = Comparer<Type>.Create((a, b) => string.CompareOrdinal(a.Name, b.Name));
}
