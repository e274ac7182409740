using System.Security.Cryptography;
using Kuguru.Pki;
using Xunit;

namespace Kuguru.Tests.Pki;

public class IkeV1SignatureTests
{
    [Fact]
    public void RSA_signs_a_hash_of_IKEv1_with_its_padding_and_nothing_else()
    {
        using var rsa = RSA.Create(2048);
        Assert.True(PrivateKey.TryRead(rsa.ExportPkcs8PrivateKey(), out var key, out var why), why);
        var hash = SHA256.HashData("HASH_I"u8);
        var signature = key.SignHash(hash);
        Assert.True(key.Public.VerifyHash(hash, signature));
        Assert.False(key.Public.VerifyHash(SHA256.HashData("HASH_R"u8), signature));
        // An ordinary PKCS #1 signature names its hash, and is another.
        Assert.False(key.Public.VerifyHash(hash, rsa.SignHash(hash, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1)));
        for (var at = 0; at < signature.Length; at += 17)
        {
            signature[at] ^= 1;
            Assert.False(key.Public.VerifyHash(hash, signature));
            signature[at] ^= 1;
        }
        Assert.False(key.Public.VerifyHash(hash, []));
        Assert.False(key.Public.VerifyHash(hash, signature.AsSpan(1)));
        key.Dispose();
    }

    [Theory]
    [InlineData("ecdsa256", 32)]
    [InlineData("ecdsa384", 48)]
    [InlineData("ecdsa521", 64)]
    public void ECDSA_signs_a_hash_of_IKEv1_as_it_is(string kind, int length)
    {
        using var key = KeyPair.Make(kind).Private;
        byte[] hash = [.. Enumerable.Range(1, length).Select(n => (byte)n)], other = [.. hash[..^1], 0];
        var signature = key.SignHash(hash);
        Assert.Equal((key.Public.Bits + 7) / 8 * 2, signature.Length);
        Assert.True(key.Public.VerifyHash(hash, signature));
        Assert.False(key.Public.VerifyHash(other, signature));
        Assert.False(key.Public.VerifyHash(hash, signature.AsSpan(1)));
        Assert.False(key.Public.VerifyHash(hash, []));
        signature[^1] ^= 1;
        Assert.False(key.Public.VerifyHash(hash, signature));
    }
}
