using System.Buffers.Binary;
using System.Text.Json;
using Kuguru.Crypto;
using Xunit;

namespace Kuguru.Tests.Crypto;

/// <summary>ESP packets that others computed.</summary>
public class EspVectorTests
{
    [Fact]
    public void AES_GCM_packets_of_draft_mcgrew_agree_also_with_ESN()
    {
        foreach (var test in Given.Cases(Vectors.Json("rfc/draft-mcgrew-gcm-test-01_aes-gcm-esp.json")))
        {
            var esn = test.GetProperty("esn").GetBoolean() ? ExtendedSequenceNumbers.Yes : ExtendedSequenceNumbers.No;
            AssertPacket(new(new(EncryptionAlgorithm.AesGcm16, test.Hex("key").Length * 8), IntegrityAlgorithm.None, esn), test);
        }
    }

    [Fact]
    public void The_ChaCha20_Poly1305_packet_of_RFC_7634_agrees()
    {
        var test = Given.Cases(Vectors.Json("rfc/rfc7634_chacha20poly1305.json")).First();
        AssertPacket(new(new(EncryptionAlgorithm.ChaCha20Poly1305, 0), IntegrityAlgorithm.None, ExtendedSequenceNumbers.No), test);
    }

    [Fact]
    public void The_AES_CBC_packets_of_RFC_3602_agree_as_far_as_the_ICV_that_they_do_not_have()
    {
        foreach (var test in Given.Cases(Vectors.Json("rfc/rfc3602_aes-cbc-esp-packets.json")))
        {
            var suite = new EspSuite(new(EncryptionAlgorithm.AesCbc, 128), IntegrityAlgorithm.HmacSha2_256_128, ExtendedSequenceNumbers.No);
            using var sealer = EspSealer.Create(suite, new(Secret.Copy(test.Hex("key")), Secret.Copy(new byte[32])), new SeededDice(1));
            var expected = test.Hex("esp_packet");
            var packet = new byte[expected.Length + suite.IcvLength];
            var spi = BinaryPrimitives.ReadUInt32BigEndian(test.Hex("spi"));
            sealer.Seal(spi, test.GetProperty("seq").GetUInt64(), test.Hex("iv"), test.Hex("plaintext_with_trailer"), packet);
            Assert.Equal(expected, packet[..expected.Length]);
        }
    }

    [Fact]
    public void Packets_of_DPDK_agree()
    {
        var count = 0;
        foreach (var test in Given.Cases(Vectors.Json("dpdk/ipsec-packets.json")))
        {
            if (test.Text("proto") != "ESP" || Suite(test) is not { } suite)
                continue;
            var (inner, outer) = (test.Hex("input_ip_packet"), test.Hex("output_ip_packet"));
            var packet = outer[(outer[0] >> 4 == 4 ? 20 : 40)..];
            var keys = new EspKeys(Secret.Copy([.. test.Hex("key"), .. test.Hex("salt")]), Secret.Copy(test.Hex("auth_key")));
            var (spi, sequence) = (BinaryPrimitives.ReadUInt32BigEndian(packet), BinaryPrimitives.ReadUInt32BigEndian(packet.AsSpan(4)));

            using var opener = EspOpener.Create(suite, keys);
            var plaintext = new byte[suite.PlaintextLength(inner.Length)];
            Assert.Equal(plaintext.Length, opener.Open(packet, sequence, plaintext));
            Assert.Equal(inner, plaintext[..inner.Length]);
            Assert.Equal(plaintext.Length - inner.Length - EspSuite.TrailerLength, plaintext[^2]);

            using var sealer = EspSealer.Create(suite, keys, new SeededDice(1));
            var again = new byte[packet.Length];
            sealer.Seal(spi, sequence, test.Hex("iv"), plaintext, again);
            Assert.Equal(packet, again);
            count++;
        }
        Assert.Equal(17, count);
    }

    static EspSuite? Suite(JsonElement test)
    {
        var bits = test.Hex("key").Length * 8;
        return string.Join('+', test.GetProperty("algs").EnumerateArray().Select(a => a.GetString())) switch
        {
            "AEAD_AES_GCM" => Of(EncryptionAlgorithm.AesGcm16, IntegrityAlgorithm.None),
            "CIPHER_AES_CBC+AUTH_SHA256_HMAC" => Of(EncryptionAlgorithm.AesCbc, IntegrityAlgorithm.HmacSha2_256_128),
            "CIPHER_AES_CBC+AUTH_MD5_HMAC" => Of(EncryptionAlgorithm.AesCbc, IntegrityAlgorithm.HmacMd5_96),
            "CIPHER_3DES_CBC+AUTH_SHA256_HMAC" => Of(EncryptionAlgorithm.TripleDes, IntegrityAlgorithm.HmacSha2_256_128),
            "CIPHER_3DES_CBC+AUTH_SHA384_HMAC" => Of(EncryptionAlgorithm.TripleDes, IntegrityAlgorithm.HmacSha2_384_192),
            "CIPHER_3DES_CBC+AUTH_SHA512_HMAC" => Of(EncryptionAlgorithm.TripleDes, IntegrityAlgorithm.HmacSha2_512_256),
            "CIPHER_AES_CBC+AUTH_SHA384_HMAC" => Of(EncryptionAlgorithm.AesCbc, IntegrityAlgorithm.HmacSha2_384_192),
            "CIPHER_AES_CBC+AUTH_SHA512_HMAC" => Of(EncryptionAlgorithm.AesCbc, IntegrityAlgorithm.HmacSha2_512_256),
            "CIPHER_AES_CTR+AUTH_SHA256_HMAC" => Of(EncryptionAlgorithm.AesCtr, IntegrityAlgorithm.HmacSha2_256_128),
            "CIPHER_AES_CTR+AUTH_SHA384_HMAC" => Of(EncryptionAlgorithm.AesCtr, IntegrityAlgorithm.HmacSha2_384_192),
            "CIPHER_AES_CTR+AUTH_SHA512_HMAC" => Of(EncryptionAlgorithm.AesCtr, IntegrityAlgorithm.HmacSha2_512_256),
            _ => null,
        };

        EspSuite Of(EncryptionAlgorithm encryption, IntegrityAlgorithm integrity) =>
            new(new(encryption, encryption == EncryptionAlgorithm.TripleDes ? 0 : bits), integrity, ExtendedSequenceNumbers.No);
    }

    static void AssertPacket(EspSuite suite, JsonElement test)
    {
        using var keys = new EspKeys(Secret.Copy([.. test.Hex("key"), .. test.Hex("salt")]), Secret.Empty());
        using var sealer = EspSealer.Create(suite, keys, new SeededDice(1));
        using var opener = EspOpener.Create(suite, keys);
        var (plaintext, expected) = (test.Hex("plaintext_with_trailer"), test.Hex("esp_packet"));
        var sequence = Convert.ToUInt64(test.Text("seq"), 16);
        var packet = new byte[expected.Length];
        var spi = BinaryPrimitives.ReadUInt32BigEndian(test.Hex("spi"));
        Assert.Equal(expected.Length, sealer.Seal(spi, sequence, test.Hex("iv"), plaintext, packet));
        Assert.Equal(expected, packet);
        var opened = new byte[plaintext.Length];
        Assert.Equal(plaintext.Length, opener.Open(packet, sequence, opened));
        Assert.Equal(plaintext, opened);
    }
}
