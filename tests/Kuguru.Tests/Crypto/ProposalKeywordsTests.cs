using Kuguru.Crypto;
using Xunit;

namespace Kuguru.Tests.Crypto;

public class ProposalKeywordsTests
{
    [Theory]
    [InlineData(ProposalKind.Ike, "aes128gcm16-prfsha256-x25519", "IKE:AES_GCM_16_128/PRF_HMAC_SHA2_256/CURVE_25519")]
    [InlineData(ProposalKind.Ike, "aes256-sha256-modp2048", "IKE:AES_CBC_256/HMAC_SHA2_256_128/PRF_HMAC_SHA2_256/MODP_2048")]
    [InlineData(ProposalKind.Ike, "chacha20poly1305-sha256-curve25519", "IKE:CHACHA20_POLY1305/PRF_HMAC_SHA2_256/CURVE_25519")]
    [InlineData(ProposalKind.Ike, "aes-sha1-prfsha512-ecp384", "IKE:AES_CBC_128/HMAC_SHA1_96/PRF_HMAC_SHA2_512/ECP_384")]
    [InlineData(ProposalKind.Ike, "aes256-aes128-sha512-sha384-x25519-ecp256-none",
        "IKE:AES_CBC_256/AES_CBC_128/HMAC_SHA2_512_256/HMAC_SHA2_384_192/PRF_HMAC_SHA2_512/PRF_HMAC_SHA2_384/CURVE_25519/ECP_256")]
    [InlineData(ProposalKind.Ike, " aes128ctr - sha256 - modp3072 ", "IKE:AES_CTR_128/HMAC_SHA2_256_128/PRF_HMAC_SHA2_256/MODP_3072")]
    [InlineData(ProposalKind.Esp, "aes128gcm128-x25519", "ESP:AES_GCM_16_128/CURVE_25519/NO_EXT_SEQ")]
    [InlineData(ProposalKind.Esp, "aes256gcm-esn-noesn", "ESP:AES_GCM_16_256/EXT_SEQ/NO_EXT_SEQ")]
    [InlineData(ProposalKind.Esp, "aes128-sha256-prfsha256", "ESP:AES_CBC_128/HMAC_SHA2_256_128/NO_EXT_SEQ")]
    [InlineData(ProposalKind.Esp, "aes128gcm16-sha256-modp3072-none", "ESP:AES_GCM_16_128/MODP_3072/KE_NONE/NO_EXT_SEQ")]
    [InlineData(ProposalKind.Esp, "null-sha1", "ESP:NULL/HMAC_SHA1_96/NO_EXT_SEQ")]
    [InlineData(ProposalKind.Esp, "aes-aes128-sha2_256-sha256", "ESP:AES_CBC_128/HMAC_SHA2_256_128/NO_EXT_SEQ")]
    [InlineData(ProposalKind.Ike, "3des-md5-modp1024", "IKE:3DES_CBC/HMAC_MD5_96/PRF_HMAC_MD5/MODP_1024")]
    [InlineData(ProposalKind.Ike, "3des-sha1-modp1536", "IKE:3DES_CBC/HMAC_SHA1_96/PRF_HMAC_SHA1/MODP_1536")]
    [InlineData(ProposalKind.Esp, "3des-md5", "ESP:3DES_CBC/HMAC_MD5_96/NO_EXT_SEQ")]
    [InlineData(ProposalKind.Ah, "sha256-esn", "AH:HMAC_SHA2_256_128/EXT_SEQ")]
    [InlineData(ProposalKind.Ah, "aes128-sha512", "AH:HMAC_SHA2_512_256/NO_EXT_SEQ")]
    public void Keywords_give_a_proposal(ProposalKind kind, string keywords, string expected)
    {
        Assert.True(AlgorithmSet.TryParse(keywords, kind, out var sets, out var error), error);
        Assert.Equal(expected, Assert.Single(sets).ToString());
    }

    [Theory]
    [InlineData(ProposalKind.Ike, "aes129-sha256-x25519", "'aes129' is no algorithm; did you mean aes128?")]
    [InlineData(ProposalKind.Ike, "aes128-sha265-x25519", "'sha265' is no algorithm; did you mean sha256?")]
    [InlineData(ProposalKind.Ike, "AES128-sha256-x25519", "'AES128' is no algorithm; did you mean aes128?")]
    [InlineData(ProposalKind.Esp, "blowfish128-sha1", "'blowfish128' is not supported; instead: aes256gcm16 or chacha20poly1305")]
    [InlineData(ProposalKind.Esp, "aes128ccm16", "'aes128ccm16' is not supported; instead: aes256gcm16 or chacha20poly1305")]
    [InlineData(ProposalKind.Esp, "aes128gcm12", "'aes128gcm12' is not supported; instead: aes256gcm16 or chacha20poly1305")]
    [InlineData(ProposalKind.Ike, "aes128-camelliaxcbc-x25519", "'camelliaxcbc' is not supported; instead: sha256, sha384 or sha512")]
    [InlineData(ProposalKind.Ike, "aes128-sha256-prfcamelliaxcbc-x25519",
        "'prfcamelliaxcbc' is not supported; instead: prfsha256, prfsha384 or prfsha512")]
    [InlineData(ProposalKind.Ike, "aes128-sha256-modp768",
        "'modp768' is not supported; instead: x25519, ecp256, ecp384, ecp521 or modp2048 to modp8192")]
    [InlineData(ProposalKind.Ike, "aes128-sha256-x25519-ke1_mlkem768",
        "'ke1_mlkem768' is not supported: there are no additional key exchanges (RFC 9370) here; leave ke1_ to ke7_ out, and let the peer offer keN_none as well")]
    [InlineData(ProposalKind.Ike, "aes128gcm16-aes128-sha256-x25519",
        "'aes128gcm16-aes128-sha256-x25519': combined-mode ciphers (gcm, chacha20poly1305) and others need proposals of their own")]
    [InlineData(ProposalKind.Ike, "aes128gcm16-x25519", "'aes128gcm16-x25519': a PRF is missing, such as prfsha256")]
    [InlineData(ProposalKind.Ike, "aes128-sha256", "'aes128-sha256': a key exchange is missing, such as x25519")]
    [InlineData(ProposalKind.Ike, "aes128-sha256-none", "'aes128-sha256-none': a key exchange is missing, such as x25519")]
    [InlineData(ProposalKind.Ike, "sha256-x25519", "'sha256-x25519': a cipher is missing, such as aes128gcm16")]
    [InlineData(ProposalKind.Ike, "null-sha256-x25519", "'null-sha256-x25519': null is for ESP only")]
    [InlineData(ProposalKind.Esp, "aes128", "'aes128': AES_CBC_128 needs an integrity algorithm, such as sha256")]
    [InlineData(ProposalKind.Esp, "null", "'null': NULL needs an integrity algorithm, such as sha256")]
    [InlineData(ProposalKind.Ah, "aes128gcm16", "'aes128gcm16': an integrity algorithm is missing, such as sha256")]
    [InlineData(ProposalKind.Esp, "", "an algorithm is missing; a proposal looks like aes128gcm16-prfsha256-x25519, or 'default'")]
    [InlineData(ProposalKind.Esp, "aes128-", "an algorithm is missing; a proposal looks like aes128gcm16-prfsha256-x25519, or 'default'")]
    public void What_is_wrong_is_named_with_what_would_be_right(ProposalKind kind, string keywords, string expected)
    {
        Assert.False(AlgorithmSet.TryParse(keywords, kind, out var sets, out var error));
        Assert.Empty(sets);
        Assert.Equal(expected, error);
    }

    [Fact]
    public void Several_proposals_stand_between_commas()
    {
        Assert.True(AlgorithmSet.TryParse("aes128gcm16-x25519, aes128-sha256", ProposalKind.Esp, out var sets, out _));
        Assert.Equal(
            ["ESP:AES_GCM_16_128/CURVE_25519/NO_EXT_SEQ", "ESP:AES_CBC_128/HMAC_SHA2_256_128/NO_EXT_SEQ"], sets.Select(s => s.ToString()));
        Assert.True(AlgorithmSet.TryParse("aes128gcm16,default", ProposalKind.Esp, out sets, out _));
        Assert.Equal(3, sets.Length);
        Assert.False(AlgorithmSet.TryParse("aes128gcm16,,default", ProposalKind.Esp, out _, out _));
    }

    [Fact]
    public void The_defaults_are_those_of_strongSwan_without_what_is_not_here()
    {
        const string exchanges = "ECP_256/ECP_384/ECP_521/CURVE_25519/MODP_3072/MODP_4096/MODP_6144/MODP_8192/MODP_2048";
        const string integrities = "HMAC_SHA2_256_128/HMAC_SHA2_384_192/HMAC_SHA2_512_256/HMAC_SHA1_96";
        const string prfs = "PRF_HMAC_SHA2_256/PRF_HMAC_SHA2_384/PRF_HMAC_SHA2_512/PRF_HMAC_SHA1";
        Assert.Equal(
        [
            $"IKE:AES_CBC_128/AES_CBC_192/AES_CBC_256/AES_CTR_128/AES_CTR_192/AES_CTR_256/{integrities}/{prfs}/{exchanges}",
            $"IKE:AES_GCM_16_128/AES_GCM_16_192/AES_GCM_16_256/CHACHA20_POLY1305/{prfs}/{exchanges}",
        ], AlgorithmSet.Defaults(ProposalKind.Ike).Select(s => s.ToString()));
        Assert.Equal(
        [
            $"ESP:AES_GCM_16_128/AES_GCM_16_192/AES_GCM_16_256/{exchanges}/KE_NONE/NO_EXT_SEQ",
            $"ESP:AES_CBC_128/AES_CBC_192/AES_CBC_256/{integrities}/{exchanges}/KE_NONE/NO_EXT_SEQ",
        ], AlgorithmSet.Defaults(ProposalKind.Esp).Select(s => s.ToString()));
        Assert.Equal($"AH:{integrities}/{exchanges}/KE_NONE/NO_EXT_SEQ", Assert.Single(AlgorithmSet.Defaults(ProposalKind.Ah)).ToString());
    }

    [Fact]
    public void Equal_words_give_equal_values()
    {
        Assert.True(AlgorithmSet.TryParse("aes-sha-x25519", ProposalKind.Ike, out var one, out _));
        Assert.True(AlgorithmSet.TryParse("aes128-sha1-curve25519", ProposalKind.Ike, out var two, out _));
        Assert.Equal(one[0], two[0]);
        Assert.Equal(one[0].GetHashCode(), two[0].GetHashCode());
    }
}
