using System.Security.Cryptography;

namespace Kuguru.Crypto;

/// <summary>
/// Key bytes with one owner, who disposes them: they stay in one place in memory (pinned), are zeroed on Dispose, compare in constant
/// time and never print. Spans taken from <see cref="Span"/> must not outlive the owner's Dispose. Who is lent a Secret and wants to keep
/// it takes a copy.
/// </summary>
public sealed class Secret : IDisposable, IEquatable<Secret>
{
    readonly byte[] _bytes;
    bool _disposed;

    /// <summary>Zeros, to be filled through <see cref="Buffer"/>.</summary>
    internal Secret(int length) => _bytes = GC.AllocateArray<byte>(length, pinned: true);

    public int Length => _bytes.Length;
    public bool IsEmpty => _bytes.Length == 0;
    public ReadOnlySpan<byte> Span => Buffer;

    internal Span<byte> Buffer
    {
        get
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            return _bytes;
        }
    }

    /// <summary>A secret of no bytes, such as the SK_a of an AEAD suite.</summary>
    public static Secret Empty() => new(0);

    /// <summary>Copies; wiping the source is the caller's duty.</summary>
    public static Secret Copy(ReadOnlySpan<byte> bytes)
    {
        var secret = new Secret(bytes.Length);
        bytes.CopyTo(secret._bytes);
        return secret;
    }

    public static Secret Random(int length, Dice dice)
    {
        var secret = new Secret(length);
        dice.Fill(secret._bytes);
        return secret;
    }

    public Secret Copy() => Copy(Span);

    public void Dispose()
    {
        CryptographicOperations.ZeroMemory(_bytes);
        _disposed = true;
    }

    public static implicit operator ReadOnlySpan<byte>(Secret secret) => secret.Span;

    public bool Equals(Secret? other) => other is not null && CryptographicOperations.FixedTimeEquals(Span, other.Span);
    public override bool Equals(object? obj) => Equals(obj as Secret);

    /// <summary>The length only: a hash of the bytes would tell about them.</summary>
    public override int GetHashCode() => Length;

    public override string ToString() => $"Secret({Length} bytes)";
}
