using Kuguru.Crypto;
using Xunit;

namespace Kuguru.Tests.Crypto;

/// <summary>AES-XCBC-MAC and AES-CMAC against the vectors of their RFCs, whole, in pieces, and again with the same key.</summary>
public class AesMacTests
{
    const string Count16 = "000102030405060708090a0b0c0d0e0f";
    const string CmacKey = "2b7e151628aed2a6abf7158809cf4f3c";
    const string CmacText = "6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e5130c81c46a35ce411e5fbc1191a0a52eff69f2445df4f9b17ad2b417be66c3710";

    [Theory]
    [InlineData(0, "75f0251d528ac01c4573dfd584d79f29")]
    [InlineData(3, "5b376580ae2f19afe7219ceef172756f")]
    [InlineData(16, "d2a246fa349b68a79998a4394ff7a263")]
    [InlineData(20, "47f51b4564966215b8985c63055ed308")]
    [InlineData(32, "f54f0ec8d2b9f3d36807734bd5283fd4")]
    [InlineData(34, "becbb3bccdb518a30677d5481fb6b4d8")]
    public void XCBC_as_in_RFC_3566_section_4_6(int length, string mac) =>
        AssertMac(new XcbcContext(Convert.FromHexString(Count16), XcbcContext.Length), [.. Enumerable.Range(0, length).Select(i => (byte)i)], mac);

    [Fact]
    public void XCBC_of_a_thousand_zeros_as_in_RFC_3566_section_4_6() =>
        AssertMac(new XcbcContext(Convert.FromHexString(Count16), XcbcContext.Length), new byte[1000], "f0dafee895db30253761103b5d84528f");

    [Theory]
    [InlineData(0, "bb1d6929e95937287fa37d129b756746")]
    [InlineData(16, "070a16b46b4d4144f79bdd9dd04a287c")]
    [InlineData(40, "dfa66747de9ae63030ca32611497c827")]
    [InlineData(64, "51f0bebf7e3b9d92fc49741779363cfe")]
    public void CMAC_as_in_RFC_4493_section_4(int length, string mac) =>
        AssertMac(new CmacContext(Convert.FromHexString(CmacKey), CmacContext.Length), Convert.FromHexString(CmacText)[..length], mac);

    [Theory]
    [InlineData(PseudoRandomFunction.Aes128Xcbc, Count16, "47f51b4564966215b8985c63055ed308")]
    [InlineData(PseudoRandomFunction.Aes128Xcbc, "00010203040506070809", "0fa087af7d866e7653434e602fdde835")]
    [InlineData(PseudoRandomFunction.Aes128Xcbc, Count16 + "edcb", "8cd3c93ae598a9803006ffb67c40e9e4")]
    [InlineData(PseudoRandomFunction.Aes128Cmac, Count16, "980ae87b5f4c9c5214f5b6a8455e4c2d")]
    [InlineData(PseudoRandomFunction.Aes128Cmac, "00010203040506070809", "290d9e112edb09ee141fcf64c0b72f3d")]
    [InlineData(PseudoRandomFunction.Aes128Cmac, Count16 + "edcb", "84a348a4a45d235babfffc0d2b4da09a")]
    public void PRFs_with_keys_of_any_length_as_in_RFC_4434_section_3_and_RFC_4615_section_4(PseudoRandomFunction prf, string key, string output) =>
        Assert.Equal(output, Convert.ToHexStringLower(Prf.Of(prf).Compute(Convert.FromHexString(key), Convert.FromHexString(Count16 + "10111213"))));

    static void AssertMac(IntegrityContext context, byte[] text, string expected)
    {
        using (context)
        {
            var mac = new byte[16];
            for (var cut = 0; cut <= Math.Min(text.Length, 40); cut++)
            {
                context.Compute(text.AsSpan(0, cut), text.AsSpan(cut), mac);
                Assert.Equal(expected, Convert.ToHexStringLower(mac));
            }
            Assert.True(context.Matches(text, default, mac));
            mac[0] ^= 1;
            Assert.False(context.Matches(text, default, mac));
        }
    }
}
