using Kuguru.Crypto;
using Xunit;

namespace Kuguru.Tests.Crypto;

public class KeyDerivationTests
{
    [Fact]
    public void NIST_ACVP_runs_through_the_whole_schedule()
    {
        var prf = Prf.Of(PseudoRandomFunction.HmacSha1);
        foreach (var test in Given.Cases(Vectors.Json("acvp/ikev2-acvp-sha1.json")))
        {
            var (ni, nr, expected) = (test.Hex("nInit"), test.Hex("nResp"), test.GetProperty("expected"));
            using var gir = Secret.Copy(test.Hex("gir"));
            using var girNew = Secret.Copy(test.Hex("girNew"));

            using var skeySeed = KeyDerivation.SkeySeed(prf, ni, nr, gir);
            Assert.Equal(expected.Hex("sKeySeed"), skeySeed.Span.ToArray());

            using var keys = prf.Plus(48, skeySeed, ni, nr, test.Hex("spiInit"), test.Hex("spiResp"));
            Assert.Equal(expected.Hex("derivedKeyingMaterial"), keys.Span.ToArray());

            using var skD = Secret.Copy(keys.Span[..prf.Length]);
            using var child = prf.Plus(48, skD, ni, nr);
            Assert.Equal(expected.Hex("derivedKeyingMaterialChild"), child.Span.ToArray());

            using var childOwn = prf.Plus(48, skD, girNew, ni, nr);
            Assert.Equal(expected.Hex("derivedKeyingMaterialDh"), childOwn.Span.ToArray());

            using var rekey = KeyDerivation.RekeySkeySeed(prf, skD, girNew, ni, nr);
            Assert.Equal(expected.Hex("sKeySeedReKey"), rekey.Span.ToArray());
        }
    }

    [Fact]
    public void NIST_CAVP_agrees_on_SKEYSEED_and_prf_plus()
    {
        foreach (var test in Given.Cases(Vectors.SharedJson("kdf/ikev2-prf-cavp-strongswan.json")))
        {
            var prf = Prf.Of(Supported.Prf.Single(p => p.Name() == test.Text("prf")));
            var (key, salt, expected) = (test.Hex("key"), test.Hex("salt"), test.Hex("out"));
            using var gir = Secret.Copy(key);
            using var output = test.Text("kdf") == "KDF_PRF"
                ? KeyDerivation.SkeySeed(prf, salt.AsSpan(..(salt.Length / 2)), salt.AsSpan((salt.Length / 2)..), gir)
                : prf.Plus(expected.Length, key, salt);
            Assert.Equal(expected, output.Span.ToArray());
        }
    }

    [Fact]
    public void NSS_vectors_of_IKEv2_agree()
    {
        var count = 0;
        foreach (var test in Given.Cases(Vectors.SharedJson("kdf/ike-kdf-nss.json")))
        {
            if (test.Text("type") is not ("ikeGxy" or "ikeV2Rekey" or "ikePlus"))
                continue;
            var prf = Prf.Of(test.Text("prf") switch
            {
                "sha1" => PseudoRandomFunction.HmacSha1,
                "sha256" => PseudoRandomFunction.HmacSha2_256,
                "sha384" => PseudoRandomFunction.HmacSha2_384,
                "aesxcbc" => PseudoRandomFunction.Aes128Xcbc,
                _ => PseudoRandomFunction.HmacSha2_512,
            });
            using var ikm = Secret.Copy(test.Hex("ikm"));
            using var gxy = Secret.Copy(test.Hex("gxy"));
            var (ni, nr) = (test.Hex("ni_or_ckyi"), test.Hex("nr_or_ckyr"));
            using var output = test.Text("type") switch
            {
                "ikeGxy" => KeyDerivation.SkeySeed(prf, ni, nr, ikm),
                "ikeV2Rekey" => KeyDerivation.RekeySkeySeed(prf, ikm, gxy, ni, nr),
                _ => prf.Plus(test.GetProperty("size").GetInt32(), ikm, test.Hex("seed")),
            };
            Assert.Equal(test.Hex("okm"), output.Span.ToArray());
            count++;
        }
        Assert.Equal(30, count);
    }

    [Fact]
    public void IKE_keys_come_in_the_order_and_sizes_of_the_RFC()
    {
        foreach (var suite in Given.IkeSuites)
        {
            using var seed = Secret.Copy([1, 2, 3]);
            using var keys = KeyDerivation.IkeKeys(suite, seed, [4], [5], [6, 6, 6, 6, 6, 6, 6, 6], [7, 7, 7, 7, 7, 7, 7, 7]);
            Secret[] inOrder = [keys.SkD, keys.SkAi, keys.SkAr, keys.SkEi, keys.SkEr, keys.SkPi, keys.SkPr];
            byte[] noncesAndSpis = [4, 5, 6, 6, 6, 6, 6, 6, 6, 6, 7, 7, 7, 7, 7, 7, 7, 7];
            using var stream = Prf.Of(suite.Prf).Plus(inOrder.Sum(k => k.Length), seed, noncesAndSpis);
            Assert.Equal(stream.Span.ToArray(), inOrder.SelectMany(k => k.Span.ToArray()));
            Assert.Equal([32, 32, 32], new[] { keys.SkD, keys.SkPi, keys.SkPr }.Select(k => k.Length));
            Assert.All([keys.SkAi, keys.SkAr], k => Assert.Equal(suite.Integrity.KeyLength(), k.Length));
            Assert.All([keys.SkEi, keys.SkEr], k => Assert.Equal(suite.Encryption.KeyLength, k.Length));
        }
    }

    [Fact]
    public void Child_keys_are_the_initiators_first_and_the_ciphers_before_integritys()
    {
        var prf = Prf.Of(PseudoRandomFunction.HmacSha2_256);
        using var skD = Secret.Copy(new byte[32]);
        using var gir = Secret.Copy([9, 9]);
        foreach (var suite in Given.EspSuites)
        {
            using var keys = KeyDerivation.ChildKeys(suite, prf, skD, gir, [1], [2]);
            var (first, second) = (keys.FromInitiator, keys.FromResponder);
            Secret[] inOrder = [first.Encryption, first.Integrity, second.Encryption, second.Integrity];
            using var stream = prf.Plus(inOrder.Sum(k => k.Length), skD, [9, 9, 1, 2]);
            Assert.Equal(stream.Span.ToArray(), inOrder.SelectMany(k => k.Span.ToArray()));

            using var plain = KeyDerivation.ChildKeys(suite, prf, skD, null, [1], [2]);
            using var withoutGir = prf.Plus(suite.EncryptionKeyLength, skD, [1, 2]);
            Assert.True(withoutGir.Equals(plain.FromInitiator.Encryption));
        }
    }
}
