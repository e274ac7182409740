using Kuguru.Crypto;
using Xunit;

namespace Kuguru.Tests.Crypto;

public class AlgorithmNamesTests
{
    [Fact]
    public void Algorithms_print_as_charon_prints_them()
    {
        Assert.Equal("AES_GCM_16", EncryptionAlgorithm.AesGcm16.Name());
        Assert.Equal("AES_CBC", EncryptionAlgorithm.AesCbc.Name());
        Assert.Equal("CHACHA20_POLY1305", EncryptionAlgorithm.ChaCha20Poly1305.Name());
        Assert.Equal("HMAC_SHA2_256_128", IntegrityAlgorithm.HmacSha2_256_128.Name());
        Assert.Equal("PRF_HMAC_SHA2_256", PseudoRandomFunction.HmacSha2_256.Name());
        Assert.Equal("CURVE_25519", KeyExchangeMethod.Curve25519.Name());
        Assert.Equal("MODP_2048", KeyExchangeMethod.Modp2048.Name());
        Assert.Equal("ECP_256", KeyExchangeMethod.Ecp256.Name());
        Assert.Equal("EXT_SEQ", ExtendedSequenceNumbers.Yes.Name());
    }

    [Fact]
    public void A_number_without_a_name_prints_in_parentheses()
    {
        Assert.Equal("(1234)", ((EncryptionAlgorithm)1234).Name());
        Assert.Equal("(10)", ((EncryptionAlgorithm)10).Name());
        Assert.Equal("(65535)", ((KeyExchangeMethod)65535).Name());
        Assert.Equal("(99)", ((PseudoRandomFunction)99).Name());
        Assert.Equal("(99)", ((IntegrityAlgorithm)99).Name());
        Assert.Equal("(2)", ((ExtendedSequenceNumbers)2).Name());
    }

    [Fact]
    public void Every_named_algorithm_has_a_name_of_its_own()
    {
        Assert.Distinct(Enum.GetValues<EncryptionAlgorithm>().Select(a => a.Name()));
        Assert.Distinct(Enum.GetValues<IntegrityAlgorithm>().Select(a => a.Name()));
        Assert.Distinct(Enum.GetValues<PseudoRandomFunction>().Select(a => a.Name()));
        Assert.Distinct(Enum.GetValues<KeyExchangeMethod>().Select(a => a.Name()));
    }
}
