using Kuguru.Crypto;
using Xunit;

namespace Kuguru.Tests.Crypto;

public class PrfTests
{
    [Theory]
    [InlineData("hmac_sha1", PseudoRandomFunction.HmacSha1)]
    [InlineData("hmac_sha256", PseudoRandomFunction.HmacSha2_256)]
    [InlineData("hmac_sha384", PseudoRandomFunction.HmacSha2_384)]
    [InlineData("hmac_sha512", PseudoRandomFunction.HmacSha2_512)]
    public void Wycheproof_agrees(string file, PseudoRandomFunction algorithm)
    {
        var prf = Prf.Of(algorithm);
        var count = 0;
        foreach (var test in Given.Tests(Vectors.Json($"wycheproof/{file}_test.json")))
        {
            var tag = test.Hex("tag");
            var computed = prf.Compute(test.Hex("key"), test.Hex("msg"))[..tag.Length];
            Assert.True(tag.SequenceEqual(computed) == (test.Text("result") == "valid"), $"{file} {test.GetProperty("tcId")}");
            count++;
        }
        Assert.True(count > 100);
    }

    [Fact]
    public void Published_values_agree()
    {
        var count = 0;
        foreach (var test in Given.Cases(Vectors.SharedJson("crypto/mac-prf.json")))
        {
            var prf = Supported.Prf.Where(p => p.Name() == test.Text("alg")).ToArray();
            if (prf.Length == 0)
                continue;
            Assert.Equal(test.Hex("mac"), Prf.Of(prf[0]).Compute(test.Hex("key"), test.Hex("data")));
            count++;
        }
        Assert.Equal(35, count);
    }

    [Fact]
    public void Parts_are_taken_as_one_string()
    {
        foreach (var algorithm in Supported.Prf)
        {
            var prf = Prf.Of(algorithm);
            byte[] key = [1, 2, 3];
            Assert.Equal(prf.Compute(key, [1, 2, 3, 4, 5]), prf.Compute(key, [1], [2, 3], [], [4, 5]));
            Assert.Equal(prf.Length, prf.Compute(key, []).Length);
            using var secret = prf.Derive(key, [1, 2]);
            Assert.Equal(prf.Compute(key, [1, 2]), secret.Span.ToArray());
        }
    }

    [Fact]
    public void Prf_plus_of_any_length_is_the_start_of_a_longer_one()
    {
        var prf = Prf.Of(PseudoRandomFunction.HmacSha1);
        using var longest = prf.Plus(255 * 20, [7], [1, 2], [3]);
        foreach (var length in (int[])[0, 1, 19, 20, 21, 40, 41, 255 * 20 - 1])
        {
            using var shorter = prf.Plus(length, [7], [1, 2, 3]);
            Assert.Equal(longest.Span[..length].ToArray(), shorter.Span.ToArray());
        }
        Assert.Throws<ArgumentOutOfRangeException>(() => prf.Plus(255 * 20 + 1, [7], [1]));
    }

    [Fact]
    public void One_that_is_not_ours_is_not_supported()
    {
        Assert.False(Prf.IsSupported(PseudoRandomFunction.HmacTiger));
        Assert.Throws<NotSupportedException>(() => Prf.Of(PseudoRandomFunction.HmacTiger));
        Assert.All(Supported.Prf, p => Assert.True(Prf.IsSupported(p)));
    }
}
