using Kuguru.Crypto;
using Kuguru.Esp;
using Xunit;

namespace Kuguru.Tests.Esp;

public sealed class MtuTests
{
    [Theory]
    [InlineData(EncryptionAlgorithm.AesGcm16, 128, IntegrityAlgorithm.None, false, true, 1500, 1438)]
    [InlineData(EncryptionAlgorithm.AesGcm16, 256, IntegrityAlgorithm.None, false, false, 1500, 1446)]
    [InlineData(EncryptionAlgorithm.AesGcm16, 256, IntegrityAlgorithm.None, true, true, 1500, 1418)]
    [InlineData(EncryptionAlgorithm.ChaCha20Poly1305, 0, IntegrityAlgorithm.None, false, true, 1500, 1438)]
    [InlineData(EncryptionAlgorithm.AesCbc, 128, IntegrityAlgorithm.HmacSha2_256_128, false, true, 1500, 1422)]
    [InlineData(EncryptionAlgorithm.AesCbc, 256, IntegrityAlgorithm.HmacSha1_96, false, false, 1500, 1438)]
    [InlineData(EncryptionAlgorithm.AesCtr, 256, IntegrityAlgorithm.HmacSha2_512_256, true, true, 1280, 1182)]
    public void The_inner_mtu_is_what_is_left(EncryptionAlgorithm encryption, int bits, IntegrityAlgorithm integrity, bool v6, bool udp, int outer, int inner) =>
        Assert.Equal(inner, Mtu.Inner(Tunnel.Suite(encryption, bits, integrity), v6, udp, outer));

    /// <summary>Exact: the packet of the inner MTU fits, one octet more does not.</summary>
    [Theory]
    [MemberData(nameof(RoundTripTests.Suites), MemberType = typeof(RoundTripTests))]
    public void One_octet_more_would_not_fit(EncryptionAlgorithm encryption, int bits, IntegrityAlgorithm integrity, bool esn)
    {
        var suite = Tunnel.Suite(encryption, bits, integrity, esn);
        for (var outer = 1200; outer < 1300; outer++)
        {
            foreach (var (v6, udp) in ((bool, bool)[])[(false, false), (false, true), (true, false), (true, true)])
            {
                var derivation = Mtu.Derive(suite, v6, udp, outer);
                var around = (v6 ? 40 : 20) + (udp ? 8 : 0);
                Assert.True(suite.PacketLength(derivation.Inner) + around <= outer);
                Assert.True(suite.PacketLength(derivation.Inner + 1) + around > outer);
                Assert.Equal(derivation.Inner, outer - derivation.IpHeader - derivation.UdpHeader - suite.Overhead - 2 - derivation.Rounding);
            }
        }
    }

    [Fact]
    public void The_derivation_can_be_shown()
    {
        Assert.Equal("1500 - 20 IPv4 - 8 UDP - 8 ESP - 8 IV - 16 ICV - 2 trailer - 0 rounding to 4 = 1438", Mtu.Derive(Tunnel.Gcm128, false, true, 1500).ToString());
        var cbc = Tunnel.Suite(EncryptionAlgorithm.AesCbc, 128, IntegrityAlgorithm.HmacSha1_96);
        Assert.Equal("1500 - 40 IPv6 - 8 ESP - 16 IV - 12 ICV - 2 trailer - 0 rounding to 16 = 1422", Mtu.Derive(cbc, true, false, 1500).ToString());
    }

    [Fact]
    public void The_segment_size_leaves_room_for_both_headers()
    {
        Assert.Equal(1398, Mtu.Mss(1438, innerIsV6: false));
        Assert.Equal(1378, Mtu.Mss(1438, innerIsV6: true));
    }

    [Fact]
    public void A_path_that_carries_nothing_still_has_the_least_ipv4_asks_for() => Assert.Equal(68, Mtu.Inner(Tunnel.Gcm128, true, true, 60));
}
