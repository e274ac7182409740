using System.Collections.Immutable;
using Org.BouncyCastle.Crypto.Prng;
using Org.BouncyCastle.Security;
using Org.BouncyCastle.Tls;
using Org.BouncyCastle.Tls.Crypto.Impl.BC;

namespace Kuguru.Crypto;

/// <summary>
/// One end of a TLS 1.2 or 1.3 handshake with certificates at both ends, as a function: octets of records in, octets of records out. BouncyCastle's
/// TLS does the work, without a stream, a clock or dice of its own.
/// </summary>
public sealed class TlsEngine : IDisposable
{
    /// <summary>Octets of one handshake message: a chain of certificates is the longest.</summary>
    internal const int MaxHandshakeMessage = 32 * 1024;

    /// <summary>Certificates that a chain may have.</summary>
    internal const int MaxChain = 10;

    readonly TlsProtocol _protocol;
    readonly TlsProgress _end;
    readonly Action _start;

    TlsEngine(TlsProtocol protocol, TlsProgress end, Action start) => (_protocol, _end, _start) = (protocol, end, start);

    /// <param name="setup">Who we are and whom we believe.</param>
    /// <param name="dice">For keys and nonces.</param>
    public static TlsEngine Client(TlsSetup setup, Dice dice)
    {
        var protocol = new TlsClientSide();
        var end = new TlsClientEnd(setup, CryptoOf(dice));
        return new(protocol, end.Progress, () => protocol.Connect(end));
    }

    /// <inheritdoc cref="Client"/>
    public static TlsEngine Server(TlsSetup setup, Dice dice)
    {
        var protocol = new TlsServerProtocol();
        var end = new TlsServerEnd(setup, CryptoOf(dice));
        return new(protocol, end.Progress, () => protocol.Accept(end));
    }

    /// <summary>The handshake is done: both ends have proved themselves.</summary>
    public bool IsEstablished => _end.IsComplete && Failure is null;

    /// <summary>TLS 1.3, or 1.2; false as long as it is not known.</summary>
    public bool IsVersion13 => _end.IsVersion13;

    /// <summary>Why it has failed, in words; null while it has not.</summary>
    public string? Failure { get; private set; }

    /// <summary>The hello of a client is then to be had; a server waits for one.</summary>
    public void Start() => Guard(_start);

    /// <summary>Takes any number of octets of records.</summary>
    public void Take(ReadOnlySpan<byte> records)
    {
        var input = records.ToArray();
        Guard(() => _protocol.OfferInput(input));
    }

    /// <summary>Octets for the other end; after a failure the alert, if there is one.</summary>
    public byte[] TakeOutput()
    {
        var output = new byte[_protocol.GetAvailableOutputBytes()];
        _protocol.ReadOutput(output, 0, output.Length);
        return output;
    }

    /// <summary>Protected data that has come behind the handshake.</summary>
    public byte[] TakeApplicationData()
    {
        var data = new byte[_protocol.GetAvailableInputBytes()];
        if (data.Length > 0)
            _protocol.ReadInput(data, 0, data.Length);
        return data;
    }

    /// <summary>Protected data for the other end.</summary>
    public void Send(ReadOnlySpan<byte> data)
    {
        var copy = data.ToArray();
        Guard(() => _protocol.WriteApplicationData(copy, 0, copy.Length));
    }

    /// <summary>The keys of <see cref="TlsSetup.Exports"/>, whose owner the caller becomes; empty when there are none, or no more.</summary>
    public ImmutableArray<Secret> TakeKeys() => _end.TakeKeys();

    public void Dispose()
    {
        foreach (var key in TakeKeys())
            key.Dispose();
    }

    /// <summary>Whatever the other end has sent wrong comes out of BouncyCastle as an exception, and goes no further.</summary>
    void Guard(Action action)
    {
        if (Failure is not null)
            return;
        try
        {
            action();
        }
        catch (TlsFatalAlertReceived e)
        {
            Failure = $"the other end ends TLS with the alert {AlertDescription.GetName(e.AlertDescription)}: see its log";
        }
        catch (TlsFatalAlert e)
        {
            Failure = _end.WhyNot ?? $"TLS ends with our alert {AlertDescription.GetName(e.AlertDescription)}";
        }
        catch (IOException e)
        {
            Failure = $"TLS fails: {e.Message}";
        }
    }

    static BcTlsCrypto CryptoOf(Dice dice) => new(new SecureRandom(new Generator(dice)));

    /// <summary>Our dice in BouncyCastle's hand.</summary>
    sealed class Generator(Dice dice) : IRandomGenerator
    {
        // Seeds are the dice's own business.
        public void AddSeedMaterial(byte[] seed) { }
        public void AddSeedMaterial(ReadOnlySpan<byte> seed) { }
        public void AddSeedMaterial(long seed) { }
        public void NextBytes(byte[] bytes) => dice.Fill(bytes);
        public void NextBytes(byte[] bytes, int start, int len) => dice.Fill(bytes.AsSpan(start, len));
        public void NextBytes(Span<byte> bytes) => dice.Fill(bytes);
    }
}
