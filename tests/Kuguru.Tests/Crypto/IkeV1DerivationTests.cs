using System.Text;
using Kuguru.Crypto;
using Xunit;

namespace Kuguru.Tests.Crypto;

public class IkeV1DerivationTests
{
    [Fact]
    public void NSS_vectors_of_IKEv1_agree_of_which_some_are_samples_of_NIST()
    {
        var count = 0;
        foreach (var test in Given.Cases(Vectors.SharedJson("kdf/ike-kdf-nss.json")))
        {
            if (test.Text("prf") is "aesxcbc" || !test.Text("type")!.StartsWith("ikeV1", StringComparison.Ordinal))
                continue;
            var prf = Of(test.Text("prf")!);
            using var key = Secret.Copy(test.Hex("ikm"));
            using var gxy = Secret.Copy(test.Hex("gxy"));
            var (i, r, expected) = (test.Hex("ni_or_ckyi"), test.Hex("nr_or_ckyr"), test.Hex("okm"));
            // One seed is a single zero digit.
            var seed = test.Text("seed") == "0" ? [0] : test.Hex("seed");
            using var output = test.Text("type") switch
            {
                "ikeV1Psk" => IkeV1Derivation.SkeyIdOfSharedKey(prf, key, i, r),
                "ikeV1AppB" => IkeV1Derivation.CipherKey(prf, key, expected.Length),
                "ikeV1AppBQuick" => IkeV1Derivation.Keymat(expected.Length, prf, key, gxy.IsEmpty ? null : gxy, seed),
                _ => Numbered(prf, key, test.Hex("prevkm"), gxy, [.. i, .. r], (byte)test.GetProperty("key_number").GetInt32()),
            };
            Assert.Equal(expected, output.Span.ToArray());
            count++;
        }
        Assert.Equal(40, count);
    }

    [Fact]
    public void NIST_samples_run_through_the_whole_schedule()
    {
        var count = 0;
        foreach (var test in Given.Cases(Vectors.SharedJson("kdf/ike-kdf-libreswan-cavp.json")))
        {
            if (!test.Text("mode")!.StartsWith("ikev1", StringComparison.Ordinal))
                continue;
            var (input, expected, prf) = (test.GetProperty("input"), test.GetProperty("expected"), Prf.Of(PseudoRandomFunction.HmacSha1));
            var (ni, nr) = (input.Hex("nInit"), input.Hex("nResp"));
            using var gxy = Secret.Copy(input.Hex("gxy"));
            using var keys = IkeV1Derivation.Keys(prf, SkeyId(), gxy, input.Hex("ckyInit"), input.Hex("ckyResp"));
            Assert.Equal(expected.Hex("sKeyId"), keys.SkeyId.Span.ToArray());
            Assert.Equal(expected.Hex("sKeyIdD"), keys.SkeyIdD.Span.ToArray());
            Assert.Equal(expected.Hex("sKeyIdA"), keys.SkeyIdA.Span.ToArray());
            Assert.Equal(expected.Hex("sKeyIdE"), keys.SkeyIdE.Span.ToArray());
            count++;

            Secret SkeyId()
            {
                if (test.Text("mode") == "ikev1_dsa")
                    return IkeV1Derivation.SkeyIdOfSignatures(prf, ni, nr, gxy);
                using var key = Secret.Copy(input.Hex("preSharedKey"));
                return IkeV1Derivation.SkeyIdOfSharedKey(prf, key, ni, nr);
            }
        }
        Assert.Equal(2, count);
    }

    [Fact]
    public void HASH_R_of_real_gateways_in_aggressive_mode_is_what_we_compute()
    {
        var count = 0;
        foreach (var test in Given.Cases(Vectors.SharedJson("kdf/ikev1-aggressive-psk-hash_r.json")))
        {
            var prf = Of(test.Text("hash")!);
            using var key = Secret.Copy(Encoding.UTF8.GetBytes(test.Text("psk")!));
            using var skeyId = IkeV1Derivation.SkeyIdOfSharedKey(prf, key, test.Hex("ni_b"), test.Hex("nr_b"));
            Assert.Equal(test.Hex("skeyid"), skeyId.Span.ToArray());
            byte[] said = [.. test.Hex("g_xr"), .. test.Hex("g_xi"), .. test.Hex("cky_r"), .. test.Hex("cky_i")];
            Assert.Equal(test.Hex("hash_r"), prf.Compute(skeyId, said, test.Hex("sai_b"), test.Hex("idir_b")));
            count++;
        }
        Assert.Equal(6, count);
    }

    [Fact]
    public void Each_direction_of_a_child_has_the_keymat_of_its_SPI_the_ciphers_key_first()
    {
        var prf = Prf.Of(PseudoRandomFunction.HmacSha2_256);
        using var d = Secret.Copy(new byte[32]);
        foreach (var suite in Given.EspSuites)
        {
            using var keys = IkeV1Derivation.ChildKeys(suite, prf, d, null, 3, [1, 2, 3, 4], [5], [6]);
            using var stream = IkeV1Derivation.Keymat(suite.EncryptionKeyLength + suite.IntegrityKeyLength, prf, d, null, [3, 1, 2, 3, 4, 5, 6]);
            Assert.Equal(stream.Span.ToArray(), (byte[])[.. keys.Encryption.Span, .. keys.Integrity.Span]);
        }
    }

    [Fact]
    public void Messages_of_one_exchange_are_one_CBC_stream()
    {
        using var key = Secret.Copy(new byte[16]);
        using var cipher = new IkeV1Cipher(new Encryption(EncryptionAlgorithm.AesCbc, 128), key);
        var iv = new byte[16];
        byte[] first = [.. Enumerable.Range(0, 32).Select(n => (byte)n)], second = [1, 2, 3];
        var one = cipher.Seal(iv, first);
        var two = cipher.Seal(cipher.NextIv(one), second);
        Assert.Equal(cipher.Seal(iv, [.. first, .. second]), (byte[])[.. one, .. two]);
        Assert.Equal(first, cipher.Open(iv, one)!);
        Assert.Equal((byte[])[.. second, .. new byte[13]], cipher.Open(cipher.NextIv(one), two)!);
        Assert.Null(cipher.Open(iv, one.AsSpan(1)));
        Assert.Null(cipher.Open(iv, []));
    }

    static Secret Numbered(Prf prf, Secret key, byte[] before, Secret gxy, byte[] cookies, byte number) => prf.Derive(key, before, gxy, cookies, [number]);

    static Prf Of(string name) => Prf.Of(name switch
    {
        "md5" => PseudoRandomFunction.HmacMd5,
        "sha1" => PseudoRandomFunction.HmacSha1,
        "sha256" => PseudoRandomFunction.HmacSha2_256,
        "sha384" => PseudoRandomFunction.HmacSha2_384,
        "sha512" => PseudoRandomFunction.HmacSha2_512,
        _ => throw new ArgumentException(name),
    });
}
