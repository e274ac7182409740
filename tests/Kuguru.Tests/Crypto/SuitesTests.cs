using Kuguru.Crypto;
using Xunit;

namespace Kuguru.Tests.Crypto;

public class SuitesTests
{
    [Theory]
    [InlineData("aes128gcm16", "ESP:AES_GCM_16_128/NO_EXT_SEQ", 20, 0, 8, 16, 4)]
    [InlineData("aes256gcm16-esn", "ESP:AES_GCM_16_256/EXT_SEQ", 36, 0, 8, 16, 4)]
    [InlineData("chacha20poly1305", "ESP:CHACHA20_POLY1305/NO_EXT_SEQ", 36, 0, 8, 16, 4)]
    [InlineData("aes128-sha256", "ESP:AES_CBC_128/HMAC_SHA2_256_128/NO_EXT_SEQ", 16, 32, 16, 16, 16)]
    [InlineData("aes256-sha384", "ESP:AES_CBC_256/HMAC_SHA2_384_192/NO_EXT_SEQ", 32, 48, 16, 24, 16)]
    [InlineData("aes192-sha512", "ESP:AES_CBC_192/HMAC_SHA2_512_256/NO_EXT_SEQ", 24, 64, 16, 32, 16)]
    [InlineData("aes128ctr-sha1", "ESP:AES_CTR_128/HMAC_SHA1_96/NO_EXT_SEQ", 20, 20, 8, 12, 4)]
    [InlineData("null-sha256", "ESP:NULL/HMAC_SHA2_256_128/NO_EXT_SEQ", 0, 32, 0, 16, 4)]
    public void Lengths_are_those_of_the_RFCs(
        string keywords, string name, int encryptionKey, int integrityKey, int iv, int icv, int alignment)
    {
        Assert.True(AlgorithmSet.TryParse(keywords, ProposalKind.Esp, out var sets, out _));
        var set = Assert.Single(sets);
        var suite = new EspSuite(set.Encryption[0], set.Integrity is [var integrity, ..] ? integrity : IntegrityAlgorithm.None, set.Esn[0]);
        Assert.Equal(name, suite.ToString());
        Assert.Equal((encryptionKey, integrityKey), (suite.EncryptionKeyLength, suite.IntegrityKeyLength));
        Assert.Equal((iv, icv, alignment, 8 + iv + icv), (suite.IvLength, suite.IcvLength, suite.Alignment, suite.Overhead));
    }

    [Fact]
    public void The_most_payload_of_a_packet_is_the_reverse_of_its_length()
    {
        foreach (var suite in Given.EspSuites)
            for (var packet = 0; packet < 300; packet++)
            {
                var most = suite.MaxPayload(packet);
                if (most >= 0)
                    Assert.True(suite.PacketLength(most) <= packet);
                Assert.True(most < -suite.Alignment || suite.PacketLength(Math.Max(0, most + 1)) > packet, $"{suite} {packet} {most}");
            }
    }

    [Fact]
    public void A_cipher_or_key_length_that_is_not_ours_is_not_supported()
    {
        Assert.False(new Encryption(EncryptionAlgorithm.AesGcm16, 0).IsSupported);
        Assert.False(new Encryption(EncryptionAlgorithm.AesCbc, 512).IsSupported);
        Assert.False(new Encryption(EncryptionAlgorithm.AesCcm16, 128).IsSupported);
        Assert.False(new Encryption((EncryptionAlgorithm)999, 128).IsSupported);
        Assert.True(new Encryption(EncryptionAlgorithm.ChaCha20Poly1305, 256).IsSupported);
        Assert.Throws<NotSupportedException>(() => new Encryption(EncryptionAlgorithm.AesGcm16, 0).KeyLength);
        Assert.False(new Encryption(EncryptionAlgorithm.Des, 0).IsSupported);
        Assert.False(IntegrityAlgorithm.HmacMd5_128.IsSupported());
        Assert.Throws<NotSupportedException>(() => IntegrityAlgorithm.HmacMd5_128.IcvLength());
    }

    [Fact]
    public void An_IKE_suite_prints_as_charon_logs_it()
    {
        var aead = new IkeSuite(
            new(EncryptionAlgorithm.AesGcm16, 128), IntegrityAlgorithm.None,
            PseudoRandomFunction.HmacSha2_256, KeyExchangeMethod.Curve25519);
        var classic = new IkeSuite(
            new(EncryptionAlgorithm.AesCbc, 128), IntegrityAlgorithm.HmacSha2_256_128,
            PseudoRandomFunction.HmacSha2_256, KeyExchangeMethod.Modp3072);
        Assert.Equal("IKE:AES_GCM_16_128/PRF_HMAC_SHA2_256/CURVE_25519", aead.ToString());
        Assert.Equal("IKE:AES_CBC_128/HMAC_SHA2_256_128/PRF_HMAC_SHA2_256/MODP_3072", classic.ToString());
    }
}
