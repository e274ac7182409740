using System.Text.Json;
using Kuguru.Crypto;
using Xunit;

namespace Kuguru.Tests.Crypto;

public class AeadTests
{
    [Theory]
    [InlineData("aes_gcm", EncryptionAlgorithm.AesGcm16, 150)]
    [InlineData("chacha20_poly1305", EncryptionAlgorithm.ChaCha20Poly1305, 250)]
    public void Wycheproof_agrees(string file, EncryptionAlgorithm algorithm, int atLeast)
    {
        var count = 0;
        foreach (var test in Given.Tests(Vectors.Json($"wycheproof/{file}_test.json")))
        {
            if (test.Hex("iv").Length != Aead.NonceLength)
                continue;
            var valid = test.Text("result") == "valid";
            AssertAgrees(algorithm, test, test.Hex("key"), test.Hex("iv"), test.Hex("aad"), test.Hex("msg"), Sealed(test), valid);
            count++;
        }
        Assert.True(count > atLeast, $"{count}");
    }

    [Fact]
    public void NIST_GCM_agrees()
    {
        var count = 0;
        foreach (var test in Given.Tests(Vectors.Json("acvp/ACVP-AES-GCM-1.0.json")))
        {
            if (test.Hex("iv").Length != Aead.NonceLength)
                continue;
            var valid = test.GetProperty("testPassed").GetBoolean();
            byte[] plaintext = valid ? test.Hex("pt") : [];
            AssertAgrees(
                EncryptionAlgorithm.AesGcm16, test, test.Hex("key"), test.Hex("iv"), test.Hex("aad"), plaintext, Sealed(test), valid);
            count++;
        }
        Assert.Equal(30, count);
    }

    [Fact]
    public void Published_AEAD_values_agree()
    {
        var count = 0;
        foreach (var test in Given.Cases(Vectors.SharedJson("crypto/aead-gcm-ccm-chacha.json")))
        {
            EncryptionAlgorithm? algorithm = test.Text("alg") switch
            {
                "ENCR_AES_GCM_ICV16" => EncryptionAlgorithm.AesGcm16,
                "ENCR_CHACHA20_POLY1305" => EncryptionAlgorithm.ChaCha20Poly1305,
                _ => null,
            };
            if (algorithm is null)
                continue;
            AssertAgrees(
                algorithm.Value, test, test.Hex("key"), [.. test.Hex("salt"), .. test.Hex("iv")], test.Hex("aad"), test.Hex("plaintext"),
                [.. test.Hex("ciphertext"), .. test.Hex("icv")], valid: true);
            count++;
        }
        Assert.Equal(19, count);
    }

    [Fact]
    public void The_portable_GCM_computes_the_same()
    {
        var dice = new SeededDice(3);
        foreach (var keyLength in (int[])[16, 24, 32])
        {
            var (key, nonce, associated, plaintext) = (dice.Bytes(keyLength), dice.Bytes(12), dice.Bytes(12), dice.Bytes(100));
            using var one = Aead.Create(EncryptionAlgorithm.AesGcm16, key, encrypt: true);
            using var other = new PortableGcm(key);
            var (a, b, opened) = (new byte[116], new byte[116], new byte[100]);
            one.Seal(nonce, associated, plaintext, a);
            other.Seal(nonce, associated, plaintext, b);
            Assert.Equal(a, b);
            Assert.True(other.Open(nonce, associated, a, opened));
            Assert.Equal(plaintext, opened);
            a[5] ^= 1;
            Assert.False(other.Open(nonce, associated, a, opened));
        }
    }

    [Fact]
    public void A_context_seals_and_opens_one_way_only()
    {
        using var sealer = Aead.Create(EncryptionAlgorithm.AesGcm16, new byte[16], encrypt: true);
        using var opener = Aead.Create(EncryptionAlgorithm.AesGcm16, new byte[16], encrypt: false);
        Assert.Throws<ArgumentException>(() => sealer.Open(new byte[12], [], new byte[16], []));
        Assert.Throws<ArgumentException>(() => opener.Seal(new byte[12], [], [], new byte[16]));
        Assert.Throws<ArgumentException>(() => sealer.Seal(new byte[11], [], [], new byte[16]));
        Assert.Throws<ArgumentException>(() => sealer.Seal(new byte[12], [], new byte[1], new byte[16]));
    }

    static byte[] Sealed(JsonElement test) => [.. test.Hex("ct"), .. test.Hex("tag")];

    static void AssertAgrees(
        EncryptionAlgorithm algorithm, JsonElement test,
        byte[] key, byte[] nonce, byte[] associated, byte[] plaintext, byte[] sealedText, bool valid)
    {
        using var opener = Aead.Create(algorithm, key, encrypt: false);
        var opened = new byte[sealedText.Length - Aead.TagLength];
        Assert.True(opener.Open(nonce, associated, sealedText, opened) == valid, test.ToString());
        if (!valid)
            return;
        Assert.Equal(plaintext, opened);
        using var sealer = Aead.Create(algorithm, key, encrypt: true);
        var again = new byte[sealedText.Length];
        sealer.Seal(nonce, associated, plaintext, again);
        Assert.Equal(sealedText, again);
    }
}
