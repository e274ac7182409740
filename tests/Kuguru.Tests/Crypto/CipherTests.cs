using Kuguru.Crypto;
using Xunit;

namespace Kuguru.Tests.Crypto;

public class CipherTests
{
    [Fact]
    public void NIST_CBC_agrees()
    {
        var count = 0;
        foreach (var test in Given.Tests(Vectors.Json("acvp/ACVP-AES-CBC-1.0-MMT.json")))
        {
            AssertAgrees(EncryptionAlgorithm.AesCbc, test.Hex("key"), test.Hex("iv"), test.Hex("pt"), test.Hex("ct"));
            count++;
        }
        Assert.Equal(60, count);
    }

    [Fact]
    public void Wycheproof_CBC_agrees()
    {
        // The files pad as PKCS#5 does; ESP and IKE pad for themselves.
        var count = 0;
        foreach (var test in Given.Tests(Vectors.Json("wycheproof/aes_cbc_pkcs5_test.json")))
        {
            if (test.Text("result") != "valid")
                continue;
            var message = test.Hex("msg");
            var padding = 16 - message.Length % 16;
            byte[] padded = [.. message, .. Enumerable.Repeat((byte)padding, padding)];
            AssertAgrees(EncryptionAlgorithm.AesCbc, test.Hex("key"), test.Hex("iv"), padded, test.Hex("ct"));
            count++;
        }
        Assert.Equal(72, count);
    }

    [Fact]
    public void Published_CBC_and_CTR_values_agree()
    {
        var count = 0;
        foreach (var test in Given.Cases(Vectors.SharedJson("crypto/cipher-cbc-ctr.json")))
        {
            var (key, iv, plaintext, ciphertext) = (test.Hex("key"), test.Hex("iv"), test.Hex("plaintext"), test.Hex("ciphertext"));
            if (test.Text("alg") == "ENCR_AES_CBC")
                AssertAgrees(EncryptionAlgorithm.AesCbc, key, iv, plaintext, ciphertext);
            else if (test.Text("alg") == "ENCR_AES_CTR")
                AssertAgrees(EncryptionAlgorithm.AesCtr, key, [.. test.Hex("nonce4"), .. iv, 0, 0, 0, 1], plaintext, ciphertext);
            else if (test.Text("alg") == "ENCR_3DES")
                AssertAgrees(EncryptionAlgorithm.TripleDes, key, iv, plaintext, ciphertext);
            else
                continue;
            count++;
        }
        Assert.Equal(17, count);
    }

    [Fact]
    public void Published_ICVs_agree()
    {
        var count = 0;
        foreach (var test in Given.Cases(Vectors.SharedJson("crypto/mac-prf.json")))
        {
            var algorithm = Supported.Integrity.Concat(Supported.WeakIntegrity).Where(i => "AUTH_" + i.Name() == test.Text("alg")).ToArray();
            if (algorithm.Length == 0 || algorithm[0].KeyLength() != test.Hex("key").Length)
                continue;
            using var hmac = IntegrityContext.Create(algorithm[0], test.Hex("key"));
            var (data, mac) = (test.Hex("data"), test.Hex("mac"));
            for (var split = 0; split <= data.Length; split++)
                Assert.True(hmac.Matches(data.AsSpan(..split), data.AsSpan(split..), mac));
            mac[0] ^= 1;
            Assert.False(hmac.Matches(data, [], mac));
            count++;
        }
        Assert.True(count >= 17, $"{count}");
    }

    [Fact]
    public void A_part_of_a_block_is_a_bug()
    {
        using var cipher = CipherContext.Create(new(EncryptionAlgorithm.AesCbc, 128), new byte[16], encrypt: true);
        Assert.Throws<InvalidOperationException>(() => cipher.Run(new byte[16], new byte[17], new byte[32]));
    }

    static void AssertAgrees(EncryptionAlgorithm algorithm, byte[] key, byte[] iv, byte[] plaintext, byte[] ciphertext)
    {
        var encryption = new Encryption(algorithm, algorithm == EncryptionAlgorithm.TripleDes ? 0 : key.Length * 8);
        var (encrypted, decrypted) = (new byte[plaintext.Length], new byte[plaintext.Length]);
        using var encryptor = CipherContext.Create(encryption, key, encrypt: true);
        using var decryptor = CipherContext.Create(encryption, key, encrypt: false);
        for (var again = 0; again < 2; again++)
        {
            encryptor.Run(iv, plaintext, encrypted);
            decryptor.Run(iv, ciphertext, decrypted);
            Assert.Equal(ciphertext, encrypted);
            Assert.Equal(plaintext, decrypted);
        }
    }
}
